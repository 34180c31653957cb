"""What sqlfluff sees in place of dbt's ``adapter``: linting needs the shape of the SQL, not a database."""

from collections.abc import Callable


def dispatch(name: str, *_namespaces: str) -> Callable[..., str]:
    """Return a macro that renders as a call of its own name."""
    return lambda *arguments, **_named: f"{name}({', '.join(str(a) for a in arguments)})"
