"""What the postgres image does on its first start, on a server with PL/Python."""

import os
import subprocess
from pathlib import Path

import psycopg
import pytest
from plpython_server import NoPlpython, find_binaries, plpython_server
from psycopg.conninfo import conninfo_to_dict, make_conninfo
from pydantic import SecretStr

from revlayer.config import Settings
from revlayer.database import connect, deploy
from revlayer_udf import plpython, registry

ROOT = Path(__file__).resolve().parents[3]


def test_the_database_of_the_image_serves_predictions(tmp_path, tmp_path_factory, make_model):
    """The init script, then migrate as its plain login user, then functions as the superuser."""
    password = tmp_path / "revlayer_password"
    password.write_text('it\'s \\ a "password"\n')
    try:
        with plpython_server(tmp_path_factory.mktemp("image")) as url:
            parts = conninfo_to_dict(url)
            with psycopg.connect(make_conninfo(url, dbname="postgres"), autocommit=True) as conn:
                conn.execute("drop database revlayer")
            environment = {
                "PATH": f"{find_binaries()}:{os.environ['PATH']}", "PGHOST": parts["host"], "PGPORT": parts["port"],
                "PGPASSWORD": parts["password"], "POSTGRES_USER": parts["user"],
                "REVLAYER_DATABASE_PASSWORD_FILE": str(password),
            }  # fmt: skip
            subprocess.run([ROOT / "docker/postgres/create_database.sh"], env=environment, check=True, timeout=60)
            plain = f"postgresql://revlayer_app@{parts['host']}:{parts['port']}/revlayer"
            settings = Settings(database_url=SecretStr(plain), database_password_file=password)
            deploy(settings)
            artefact, manifest = make_model()
            with connect(settings, "scorer") as conn:
                registry.register(conn, artefact, manifest)
                assert "may not create functions" in str(plpython.unavailable(conn))
            administrator = Settings(database_url=SecretStr(make_conninfo(url, dbname="revlayer")))
            with connect(administrator) as conn:
                assert "predict_deal_win" in plpython.install(conn, manifest)
            with connect(settings, "reader") as conn:
                assert conn.execute("select * from scoring.predict_deal_win(1, 2, 'proposal')").fetchone()
    except NoPlpython as reason:
        pytest.skip(str(reason))
