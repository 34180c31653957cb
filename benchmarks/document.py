"""docs/performance.md: what stands between its markers is written by the benchmarks."""

import re
from pathlib import Path

DOCUMENT = Path(__file__).parents[1] / "docs" / "performance.md"
BLOCK = "<!-- {name}: written by make bench -->\n"
END = "<!-- end -->"


def write_block(name: str, lines: list[str]) -> None:
    """Replace what stands between a block's markers in the document."""
    text = DOCUMENT.read_text(encoding="utf-8")
    start = BLOCK.format(name=name)
    pattern = re.compile(re.escape(start) + ".*?" + re.escape(END), re.DOTALL)
    if not pattern.search(text):
        raise SystemExit(f"{DOCUMENT} has no block named {name!r}")
    block = start + "\n".join(lines) + "\n" + END
    DOCUMENT.write_text(pattern.sub(lambda _: block, text), encoding="utf-8")
