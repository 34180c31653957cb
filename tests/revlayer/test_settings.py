"""Settings come from the environment; nothing in them reaches SQL unquoted."""

import os

import pytest
from psycopg import sql
from pydantic import SecretStr, ValidationError

from revlayer import dbt
from revlayer.config import Settings
from revlayer.database import connect, libpq_environment
from revlayer.errors import RevlayerError


@pytest.mark.parametrize("prefix", ["x; drop schema raw", 'a"b', "A_", "", "a" * 40, "été_"])
def test_role_prefix_takes_plain_names_only(monkeypatch, prefix):
    monkeypatch.setenv("REVLAYER_ROLE_PREFIX", prefix)
    with pytest.raises(ValidationError):
        Settings()


def test_database_name_with_quotes_is_a_name(make_database, server_url):
    import psycopg
    from psycopg.conninfo import conninfo_to_dict

    from revlayer.database import deploy

    name = 'odd"; drop schema raw; --'
    with psycopg.connect(server_url, autocommit=True) as conn:
        conn.execute(sql.SQL("create database {}").format(sql.Identifier(name)))
        try:
            parts = {**conninfo_to_dict(server_url), "dbname": name}
            settings = Settings(database_url=SecretStr(psycopg.conninfo.make_conninfo(**parts)))
            deploy(settings)
            with connect(settings, "reader") as other:
                assert other.info.dbname == name
        finally:
            conn.execute(sql.SQL("drop database {} with (force)").format(sql.Identifier(name)))


def test_unreachable_server_says_what_to_do():
    settings = Settings(database_url=SecretStr("postgresql://nobody:x@127.0.0.1:9/none"))
    with pytest.raises(RevlayerError, match="REVLAYER_DATABASE_URL"):
        connect(settings)


def test_malformed_url_says_how_to_write_it():
    with pytest.raises(RevlayerError, match="postgresql://user"):
        connect(Settings(database_url=SecretStr("not a url")))


def test_missing_roles_name_the_command(server_url):
    settings = Settings(database_url=SecretStr(server_url), role_prefix="absent_")
    with pytest.raises(RevlayerError, match="revlayer migrate"):
        connect(settings, "reader")


def test_a_prefix_from_the_env_file_reaches_dbt(tmp_path, server_url):
    env_file = tmp_path / ".env"
    env_file.write_text(f"REVLAYER_ROLE_PREFIX=other_\nREVLAYER_DATABASE_URL={server_url}\n")
    settings = Settings(_env_file=env_file)
    assert "REVLAYER_ROLE_PREFIX" not in os.environ
    with dbt.environment(settings):
        assert os.environ["REVLAYER_ROLE_PREFIX"] == "other_"
        assert os.environ["REVLAYER_DBT_ROLE"] == "other_transformer"
    assert "REVLAYER_ROLE_PREFIX" not in os.environ


def test_all_of_a_connection_string_reaches_libpq_programs():
    found = libpq_environment("postgresql://me:p%40ss@db:5433/sales?sslmode=verify-full&sslrootcert=/ca.pem")
    assert found == {
        "PGUSER": "me",
        "PGPASSWORD": "p@ss",
        "PGHOST": "db",
        "PGPORT": "5433",
        "PGDATABASE": "sales",
        "PGSSLMODE": "verify-full",
        "PGSSLROOTCERT": "/ca.pem",
    }
