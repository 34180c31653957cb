"""Read a mapping file and say in its own terms what is wrong with it."""

import hashlib
import re
from pathlib import Path
from typing import Any

import yaml
from pydantic import ValidationError

from revlayer.importing.mapping import Mapping
from revlayer.importing.problems import ImportProblem

LARGEST_BYTES = 4_194_304


class _TextLoader(yaml.SafeLoader):
    """YAML whose scalars stay text, so that Yes, 1.10 and 2017-03-01 arrive as they are written."""

    yaml_implicit_resolvers: dict[str, Any] = {}  # noqa: RUF012

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:
        """Build a mapping; a key that stands twice is an error, not a silent choice."""
        seen: set[str] = set()
        for key, _ in node.value:
            if key.value in seen:
                raise yaml.constructor.ConstructorError(
                    None, None, f"the key {key.value!r} stands twice", key.start_mark
                )
            seen.add(str(key.value))
        return super().construct_mapping(node, deep)

    def compose_node(self, parent: yaml.Node | None, index: int) -> yaml.Node | None:
        """Refuse aliases: a few lines of them can grow beyond any memory."""
        if self.check_event(yaml.AliasEvent):
            raise yaml.constructor.ConstructorError(
                None, None, "aliases (*name) are not supported", self.peek_event().start_mark
            )
        return super().compose_node(parent, index)


_NULL = re.compile(r"^(?:~|null|)$")
for _first in ("~", "n", ""):
    _TextLoader.add_implicit_resolver("tag:yaml.org,2002:null", _NULL, [_first])


def read_mapping(path: Path) -> tuple[Mapping, str]:
    """Return the validated mapping and the SHA-256 of its file.

    Raises:
        ImportProblem: the file is missing, is no YAML, or says something the importer does not know;
            the message names the place, such as ``targets.2.columns.amount.type``.
    """
    try:
        content = path.read_bytes()
    except OSError as error:
        raise ImportProblem(
            f"cannot read the mapping file {path}: {error.strerror}", "Examples lie in mappings/."
        ) from None
    if len(content) > LARGEST_BYTES:
        raise ImportProblem(f"{path} is larger than {LARGEST_BYTES} bytes: that is no mapping file")
    try:
        document = yaml.load(content, Loader=_TextLoader)
    except (yaml.YAMLError, ValueError, RecursionError) as error:  # ValueError: a tag such as !!timestamp
        raise ImportProblem(f"{path} is not readable as YAML: {_one_line(error)}") from None
    if not isinstance(document, dict):
        raise ImportProblem(f"{path} holds no mapping", "It starts with source_name, exported_at and targets.")
    try:
        mapping = Mapping.model_validate(document)
    except ValidationError as error:
        raise ImportProblem(_explain(path, error), "docs/importing.md lists what a mapping may say.") from None
    return mapping, hashlib.sha256(content).hexdigest()


def _explain(path: Path, error: ValidationError) -> str:
    lines = [
        f"{path}: {'.'.join(str(part) for part in item['loc']) or 'file'}: {item['msg']}" for item in error.errors()
    ]
    return "\n".join(lines)


def _one_line(error: Exception) -> str:
    return " ".join(str(error).split())
