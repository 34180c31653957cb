"""Released migrations never change: their hashes are kept beside them."""

import hashlib
from pathlib import Path

MIGRATIONS = Path(__file__).parents[2] / "sql" / "migrations"


def test_migrations_match_their_frozen_hashes():
    frozen = dict(reversed(line.split()) for line in (MIGRATIONS / "frozen.txt").read_text().splitlines())
    found = {p.name: hashlib.sha256(p.read_bytes()).hexdigest() for p in sorted(MIGRATIONS.glob("*.sql"))}
    assert found == frozen, "a new migration needs its line: (cd sql/migrations && sha256sum *.sql > frozen.txt)"
