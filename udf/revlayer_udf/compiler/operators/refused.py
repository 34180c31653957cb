"""Operators of ai.onnx.ml that are refused with what to do instead."""

from revlayer_udf.compiler.operators import ML, refuse

refuse("ZipMap", ML, "it makes a map of each row; export the classifier with the option zipmap = False")
refuse("CastMap", ML, "it reads maps; feed columns")
refuse("DictVectorizer", ML, "it reads maps; feed columns and encode them by OneHotEncoder or LabelEncoder")
refuse("SVMClassifier", ML, "support vectors are compared with every row; train a linear or a tree model")
refuse("SVMRegressor", ML, "support vectors are compared with every row; train a linear or a tree model")
