"""What sqlfluff sees in place of dbt's own macros, such as ``dbt.dateadd``."""

from collections.abc import Callable


def __getattr__(name: str) -> Callable[..., str]:
    if name.startswith("__"):
        raise AttributeError(name)
    if name.startswith("type_"):
        return lambda: name.removeprefix("type_")
    return lambda *arguments, **named: f"{name}({', '.join(str(a) for a in (*arguments, *named.values()))})"
