"""The server that PL/Python is tested on."""


def test_plpython_imports_the_online_side(plpython_database):
    """Its PYTHONPATH reaches the kernel and what that needs."""
    body = "import onnxruntime, revlayer_udf.runtime; return onnxruntime.__version__"
    with plpython_database.connect() as conn:
        conn.execute(f"create function pg_temp.kernel() returns text language plpython3u as '{body}'")
        assert conn.execute("select pg_temp.kernel()").fetchone() is not None
        conn.rollback()
