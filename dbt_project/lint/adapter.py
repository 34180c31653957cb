"""What sqlfluff sees in place of dbt's ``adapter``: linting needs the shape of the SQL, not a database."""

from collections.abc import Callable


def dispatch(name: str, *_namespaces: str) -> Callable[..., str]:
    """Return a macro that renders as a call of its own name."""
    return lambda *arguments, **_named: f"{name}({', '.join(map(_argument, arguments))})"


def _argument(value: object) -> str:
    """An expression as it stands; bare punctuation, such as a separator, as a literal."""
    text = str(value)
    return text if any(character.isalnum() for character in text) else f"'{text}'"
