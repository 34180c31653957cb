"""A scikit-learn pipeline as SQL by orbital, run in an environment of its own: it wants an older onnx.

``python orbital_sql.py <pipeline.pickle> <out.sql> <seconds>``; ends with 3 and the error in the output file where it
fails. It ends itself after so many seconds: who started it gave up before, and cannot reach it through uv.
"""

import pickle
import signal
import sys
from pathlib import Path


def main() -> int:
    """Write the SQL, or what orbital says."""
    source, target = map(Path, sys.argv[1:3])
    signal.alarm(int(sys.argv[3]))
    try:
        import orbital
        from orbital import types

        with source.open("rb") as file:
            pipeline, names = pickle.load(file)
        parsed = orbital.parse_pipeline(pipeline, features=dict.fromkeys(names, types.DoubleColumnType()))
        projection = orbital.ResultsProjection()
        text = orbital.export_sql("ftr_deals", parsed, dialect="postgres", projection=projection)
    except Exception as error:  # whatever it is, it is the result
        target.write_text(f"{type(error).__name__}: {error}", encoding="utf-8")
        return 3
    target.write_text(text, encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
