"""Named SQL: statements live in .sql files and are loaded by name."""

import re
from functools import cache
from importlib.resources import files

_HEADER = re.compile(r"^-- name: (?P<name>[a-z][a-z0-9_]*)[ \t]*$", re.MULTILINE)


@cache
def load(package: str, path: str) -> dict[str, str]:
    """Read the named statements of one file inside an import package.

    Args:
        package: import package that carries the file, such as ``revlayer_udf``.
        path: path of the file inside it, such as ``queries/registry.sql``.

    Returns:
        Statement text by name, in file order.

    Raises:
        ValueError: a name stands twice, or the file has text before its first name.
    """
    text = files(package).joinpath(path).read_text(encoding="utf-8")
    headers = list(_HEADER.finditer(text))
    before = text[: headers[0].start()] if headers else text
    if any(line.strip() and not line.lstrip().startswith("--") for line in before.splitlines()):
        raise ValueError(f"{package}/{path}: statement before the first '-- name:' line")
    statements: dict[str, str] = {}
    for header, following in zip(headers, [*headers[1:], None], strict=True):
        name = header["name"]
        if name in statements:
            raise ValueError(f"{package}/{path}: two statements are named {name}")
        statements[name] = text[header.end() : following.start() if following else None].strip()
    return statements
