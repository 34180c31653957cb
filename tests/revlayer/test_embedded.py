"""The embedded server: made once, found again, password-protected, on loopback only."""

import json
import socket
import stat
from dataclasses import asdict
from pathlib import Path

import psycopg
import pytest
from psycopg.conninfo import conninfo_to_dict, make_conninfo

from revlayer.cli.database import others
from revlayer.config import Settings
from revlayer.database.embedded import Credentials, EmbeddedServer


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    made = EmbeddedServer(tmp_path_factory.mktemp("home"), durable=False)
    made.start()
    yield made
    made.remove()
    assert made.credentials() is None


def test_data_survive_a_restart(server):
    with psycopg.connect(server.url()) as conn:
        conn.execute("create table kept as select 42 as answer")
    server.stop()
    assert not server.is_running()
    server.start()
    with psycopg.connect(server.url()) as conn:
        assert conn.execute("select answer from kept").fetchone() == (42,)


def test_start_twice_is_harmless(server):
    before = server.credentials()
    server.start()
    assert server.credentials() == before


def test_wrong_password_is_refused(server):
    wrong = make_conninfo(**{**conninfo_to_dict(server.url()), "password": "wrong"})
    with pytest.raises(psycopg.OperationalError, match="password authentication failed"):
        psycopg.connect(wrong)


def test_listens_on_loopback_only(server):
    with psycopg.connect(server.url()) as conn:
        assert conn.execute("show listen_addresses").fetchone() == ("127.0.0.1",)


def test_passwords_are_private(server):
    assert stat.S_IMODE(server.credentials_path.stat().st_mode) == 0o600


def test_a_taken_port_is_left_to_its_owner(server):
    server.stop()
    known = server.credentials()
    with socket.socket() as other:
        other.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        other.bind(("127.0.0.1", known.port))
        other.listen()
        server.start()
        assert server.credentials().port != known.port
    with psycopg.connect(server.url()) as conn:
        assert conn.execute("select 1").fetchone() == (1,)


def test_servers_of_other_homes_are_named_when_one_is_removed(tmp_path):
    settings = Settings(project_directory=tmp_path, home=Path(".revlayer"))
    for name in (".revlayer", ".revlayer-own"):
        (tmp_path / name).mkdir()
        kept = Credentials(port=1, password="", data_directory=str(tmp_path / name / "data"), reader_password="")
        (tmp_path / name / "embedded.json").write_text(json.dumps(asdict(kept)))
    [line] = others(settings)
    assert line.startswith("another one in .revlayer-own is down")
    assert line.endswith("REVLAYER_HOME=.revlayer-own revlayer db remove")
