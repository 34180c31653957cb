"""An ONNX graph as plain SQL functions, for any PostgreSQL: no extension, no Python in the server."""

from revlayer_udf.compiler.compilation import CompiledModel, compile_model
from revlayer_udf.compiler.install import install, uninstall

__all__ = ["CompiledModel", "compile_model", "install", "uninstall"]
