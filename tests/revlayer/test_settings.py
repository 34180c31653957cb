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


def test_variables_of_a_database_win_over_those_of_the_project(monkeypatch, server_url, tmp_path, capfd):
    monkeypatch.setenv("REVLAYER_DBT_VARIABLES", '{"reporting_currency": "GBP", "customer_value_window_days": 91}')
    settings = Settings(database_url=SecretStr(server_url))
    found = dbt.variables(settings)
    assert (found["reporting_currency"], found["customer_value_window_days"]) == ("GBP", 91)
    assert found["reporting_time_zone"] == "UTC"
    arguments = ["compile", "--inline", "select '{{ var('reporting_currency') }}', {{ as_of_date() }}"]
    dbt.run(settings, arguments, {"as_of_date": "2025-01-31"}, target_path=tmp_path)
    assert "select 'GBP', cast('2025-01-31' as date)" in capfd.readouterr().out


@pytest.mark.parametrize("text", ["reporting_currency=GBP", "[1]", "{"])
def test_variables_are_json(monkeypatch, text):
    monkeypatch.setenv("REVLAYER_DBT_VARIABLES", text)
    with pytest.raises(ValidationError, match="dbt_variables"):
        Settings()


def test_variables_that_the_project_does_not_have_are_named(monkeypatch, server_url):
    monkeypatch.setenv("REVLAYER_DBT_VARIABLES", '{"reporting_curency": "GBP"}')
    settings = Settings(database_url=SecretStr(server_url))
    for use in (dbt.variables, lambda own: dbt.run(own, ["parse"])):
        with pytest.raises(RevlayerError, match="reporting_curency"):
            use(settings)


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
