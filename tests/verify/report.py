"""What a check found, against its threshold, and the document made of all of them."""

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

DOCUMENT = Path(__file__).parents[2] / "docs" / "evaluation.md"

INTRODUCTION = """# Evaluation

Written by `make verify`; every figure below is measured by it, on data made or read in that run. A line that
misses its threshold fails the command and stays here with its figure.

"""


@dataclass(frozen=True)
class Line:
    """One acceptance line: its figure, what it must be, and whether it is."""

    what: str
    figure: str
    threshold: str
    passed: bool


@dataclass
class Section:
    """One check: a title, its lines, and tables that show where the figures come from."""

    title: str
    lines: list[Line] = field(default_factory=list)
    tables: list[tuple[str, Sequence[str], Sequence[Sequence[object]]]] = field(default_factory=list)

    def check(self, what: str, value: float, test: Callable[[float], bool], threshold: str) -> None:
        """Hold a figure against its threshold."""
        self.lines.append(Line(what, f"{value:.4g}", threshold, bool(test(value))))

    def miss_data(self) -> None:
        """A line that fails, with what mends it: without the public data sets nothing was checked."""
        remedy = "set: REVLAYER_TEST_DATA=<folder of the public data sets> make verify"
        self.lines.append(Line("REVLAYER_TEST_DATA", "unset", remedy, False))

    @property
    def passed(self) -> bool:
        """Whether every line holds."""
        return all(line.passed for line in self.lines)


def write(sections: Mapping[str, Section], order: Sequence[str]) -> None:
    """Write docs/evaluation.md.

    Args:
        sections: what was checked now, by name; what the document says of other checks stays.
        order: names of all checks.
    """
    known = DOCUMENT.read_text(encoding="utf-8") if DOCUMENT.exists() else ""
    blocks = dict(re.findall(r"<!-- (\w+) -->\n(.*?)(?=<!-- \w+ -->\n|\Z)", known, re.DOTALL))
    blocks |= {name: _text(section) for name, section in sections.items()}
    parts = [f"<!-- {name} -->\n{blocks[name].strip()}\n\n" for name in order if name in blocks]
    DOCUMENT.write_text((INTRODUCTION + "".join(parts)).rstrip() + "\n", encoding="utf-8")


def _text(section: Section) -> str:
    parts = [f"## {section.title}\n\n"]
    if section.lines:
        rows = [(line.what, line.figure, line.threshold, "yes" if line.passed else "**no**") for line in section.lines]
        parts.append(markdown(("line", "figure", "must be", "holds"), rows) + "\n")
    for title, header, cells in section.tables:
        parts.append(f"{title}\n\n{markdown(header, cells)}\n")
    return "".join(parts)


def markdown(header: Sequence[str], rows: Sequence[Sequence[object]]) -> str:
    """Return a table in Markdown."""
    lines = ["| " + " | ".join(header) + " |", "|" + "---|" * len(header)]
    lines += ["| " + " | ".join(_cell(value) for value in row) + " |" for row in rows]
    return "\n".join(lines) + "\n"


def _cell(value: object) -> str:
    if isinstance(value, float):
        return f"{value:.4f}" if abs(value) < 100 else f"{value:,.0f}"
    return "" if value is None else str(value)
