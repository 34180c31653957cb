"""Deploying is repeatable, and an edited migration is refused."""

import pytest

from revlayer.database import deploy
from revlayer.errors import RevlayerError


def test_second_deploy_applies_nothing(database):
    summary = deploy(database.settings)
    assert summary.migrations_applied == []
    assert summary.migrations_known >= 4


def test_edited_migration_is_refused(database):
    with database.connect(autocommit=True) as conn:
        conn.execute("update audit.schema_migrations set sha256 = repeat('0', 64) where name like '0002%'")
    with pytest.raises(RevlayerError, match="was edited after it was applied"):
        deploy(database.settings)


@pytest.mark.parametrize("role", ["owner", "loader", "transformer", "scorer", "planner", "reader"])
def test_connections_act_as_their_role_in_utc(database, role):
    with database.connect(role) as conn:
        row = conn.execute("select current_user, current_setting('timezone')").fetchone()
    assert row == (f"revlayer_{role}", "UTC")
