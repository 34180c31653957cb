"""Commands on a database that is not built that far say so, without a traceback."""

import os
import subprocess
import sys

import pytest


@pytest.mark.parametrize("command", ["score", "train", "backtest"])
def test_no_features_yet(database, command):
    environment = {**os.environ, "REVLAYER_DATABASE_URL": database.url}
    arguments = [sys.executable, "-m", "revlayer", command, "--as-of", "2025-01-31"]
    done = subprocess.run(arguments, env=environment, capture_output=True, text=True)
    assert done.returncode == 1
    assert "Traceback" not in done.stderr
    assert "revlayer run" in done.stderr
