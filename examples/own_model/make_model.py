"""Train a model outside revlayer and write it as ONNX: python examples/own_model/make_model.py model.onnx

Reads features and labels with nothing but SQL, as any other tool would; needs scikit-learn and skl2onnx. Then:
revlayer models add model.onnx --manifest examples/own_model/manifest.yml
"""

import sys
from pathlib import Path

import numpy as np
from skl2onnx import to_onnx
from skl2onnx.common.data_types import FloatTensorType, StringTensorType
from sklearn.compose import ColumnTransformer
from sklearn.impute import SimpleImputer
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder, StandardScaler

from revlayer.config import Settings
from revlayer.database import connect

# Deals seen early enough that the 90 days to win them had passed on 2024-12-31, the manifest's trained_through_date.
QUERY = """
select
    f.stage_crm_probability, f.activity_count_30d, f.days_since_last_activity, f.deal_age_days,
    coalesce(f.stage_name, 'unknown'), coalesce(f.deal_type, 'unknown'),
    coalesce(l.is_won and l.closed_on <= f.as_of_date + 90 and l.closed_known_on <= date '2024-12-31', false)
from features.ftr_deals as f
left join features.lbl_deals as l on f.deal_id = l.deal_id
where f.as_of_date + 90 <= date '2024-12-31'
"""


def main(file: Path) -> None:
    """Fit on what the database knew by the end of 2024 and write the graph."""
    with connect(Settings(), "scorer") as conn:
        rows = np.array(conn.execute(QUERY).fetchall(), dtype=object)
    numbers = make_pipeline(SimpleImputer(strategy="median"), StandardScaler())
    prepared = ColumnTransformer(
        [("numbers", numbers, [0, 1, 2, 3]), ("texts", OneHotEncoder(handle_unknown="ignore"), [4, 5])]
    )
    model = make_pipeline(prepared, LogisticRegression(max_iter=500))
    model.fit(rows[:, :6], np.where(rows[:, 6].astype(bool), "won", "lost"))
    types = [("numbers", FloatTensorType([None, 4])), ("texts", StringTensorType([None, 2]))]
    options = {id(model.steps[-1][1]): {"zipmap": False}}
    graph = to_onnx(model, initial_types=types, options=options, target_opset={"": 17, "ai.onnx.ml": 3})
    file.write_bytes(graph.SerializeToString())


if __name__ == "__main__":
    main(Path(sys.argv[1]))
