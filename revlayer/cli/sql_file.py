"""Compiled functions as a file for people: what it is, how it is used, and lines that an editor can show."""

import re
import textwrap
from collections.abc import Iterator

from revlayer_udf.compiler import CompiledModel
from revlayer_udf.signatures import Function, Signatures

WIDTH = 110
# A word is what has no blanks outside quotes; blanks inside quotes belong to the text.
WORD = re.compile(r"""(?:'(?:[^']|'')*'|"(?:[^"]|"")*"|[^\s'"])+""")
BEGINS_LINE = frozenset(("select", "(select", "from", "cross", "union", "returns", "language"))
STATEMENT = re.compile(r"(?P<head>create or replace function .*? as)\s+(?P<body>E?'.*')", flags=re.DOTALL)


def functions_file(compiled: CompiledModel) -> str:
    """Return the statements that create the functions, with a heading."""
    row = Signatures.of(compiled.artefact, compiled.manifest).row
    functions = compiled.functions()
    names = ", ".join(f"scoring.{function.name}" for function, *_ in functions)
    statements = [_statement(text.as_string(None)) for _, text, _ in functions]
    return "\n".join([*_heading(compiled, names, _call(row)), "", *statements])


def query_file(compiled: CompiledModel) -> str:
    """Return the one SELECT over the feature relation, with a heading."""
    relation = compiled.manifest.feature_relation
    use = f"it scores every row of {relation}: add a day, where f.as_of_date = ..., to the innermost query"
    return "\n".join([*_heading(compiled, f"one query over {relation}", use), "", f"{wrapped(compiled.query())};", ""])


def form_of(compiled: CompiledModel) -> str:
    """Say how the trees are written."""
    if not compiled.leaf_count:
        return "no trees: plain expressions"
    forms = {"case": "nested CASE", "table": "rows of scoring.compiled_blocks"}
    return f"{compiled.leaf_count:,} leaves as {' and '.join(forms[form] for form in compiled.form.split('+'))}"


def wrapped(query: str) -> str:
    """Break a query into lines, at blanks outside quotes only: the same words in the same order."""
    lines: list[str] = []
    line = ""
    for word in WORD.findall(query):
        if line and (word in BEGINS_LINE or len(line) + 1 + len(word) > WIDTH):
            lines.append(line)
            line = word
        else:
            line = f"{line} {word}" if line else word
    return "\n".join([*lines, line])


def _heading(compiled: CompiledModel, what: str, use: str) -> Iterator[str]:
    manifest = compiled.manifest
    facts = {
        "what": what,
        "model": f"{manifest.model_version} ({manifest.algorithm})",
        "features": ", ".join(feature.name for feature in manifest.features),
        "outputs": ", ".join(manifest.predictions),
        "form": form_of(compiled),
        "use": use,
    }
    if "table" in compiled.form:
        facts["needs"] = (
            f"the trees in scoring.compiled_*, which only revlayer models install {manifest.target} fills; compiled "
            "with --form case it needs none"
        )
    yield "-- Compiled by revlayer: plain SQL for PostgreSQL 14 or later, no extension. Compile again, do not edit."
    for name, fact in facts.items():
        yield from textwrap.wrap(
            " ".join(fact.split()), WIDTH, initial_indent=f"-- {name + ':':<10}", subsequent_indent=f"--{'':<11}",
            break_long_words=False,
        )  # fmt: skip


def _call(row: Function) -> str:
    """A call with the first arguments; what is left out is unknown."""
    given = ", ".join(f'"{name}" => null' for name, _ in row.arguments[:2])
    return f"select * from scoring.{row.name}({given}); what is left out, or null, is unknown"


def _statement(text: str) -> str:
    """A statement with its body between dollars: quotes stand in it as they are written."""
    found = STATEMENT.fullmatch(text)
    if found is None:
        return f"{wrapped(text)};\n"
    literal = found["body"]
    body = literal[literal.index("'") + 1 : -1].replace("''", "'")
    if literal.startswith("E"):
        body = body.replace("\\\\", "\\")
    tag = "$body$"
    while tag in body:
        tag = f"{tag[:-1]}_$"
    return f"{wrapped(found['head'])} {tag}\n{wrapped(body)}\n{tag};\n"
