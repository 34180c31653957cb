"""The tutorial of customers, done as it is written: its commands, and whether they print what it shows.

A block without a language holds commands; a block of text after it what they print, line by line, where … stands for
anything. Lines that are printed and not shown do not matter.
"""

import os
import re
import subprocess
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[1]
DOCUMENT = ROOT / "docs" / "tutorial-customers.md"
_FENCE = re.compile(r"^```(\w*)\n(.*?)^```$", flags=re.DOTALL | re.MULTILINE)
_EXPORT = re.compile(r"^export (\w+)=(.*)$", flags=re.MULTILINE)


@dataclass(frozen=True)
class Step:
    """Commands, and lines of what they print, in order."""

    commands: str
    shown: tuple[str, ...]


def sections() -> list[str]:
    """Titles of the parts that have commands."""
    return [title for title, body in _parts() if any(not kind for kind, _ in _FENCE.findall(body))]


def steps(section: str) -> list[Step]:
    """Read one part."""
    [body] = [body for title, body in _parts() if title == section]
    found: list[Step] = []
    for kind, text in _FENCE.findall(body):
        if not kind:
            found.append(Step(text, ()))
        elif kind == "text":
            found[-1] = Step(found[-1].commands, tuple(line for line in text.splitlines() if line.strip()))
    return found


def exports(step: Step) -> dict[str, str]:
    """Return what a step puts into the environment."""
    return {name: value.strip("'\"") for name, value in _EXPORT.findall(step.commands)}


def follow(section: str, given: Mapping[str, str]) -> Iterator[tuple[Step, str, list[str]]]:
    """Do one part; yield each step, what it printed and the lines shown that were not printed.

    Args:
        given: environment; it wins over what the tutorial exports.

    Raises:
        AssertionError: a command failed.
    """
    environment = {
        **os.environ, "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}", "COLUMNS": "120",
        "PYTHONUNBUFFERED": "1",
    }  # fmt: skip
    for step in steps(section):
        environment |= exports(step) | dict(given)
        commands = _EXPORT.sub("", step.commands)
        done = subprocess.run(
            ["bash", "-euo", "pipefail", "-c", commands], cwd=ROOT, env=environment, capture_output=True, text=True,
            check=False,
        )  # fmt: skip
        assert done.returncode == 0, f"{step.commands}\n{done.stdout}\n{done.stderr}"
        yield step, done.stdout, missing(step.shown, done.stdout)


def missing(shown: tuple[str, ...], printed: str) -> list[str]:
    """Return the lines that were not printed after those before them."""
    rest, lost = [" ".join(line.split()) for line in printed.splitlines()], []
    for wanted in shown:
        parts = [re.escape(" ".join(part.split())) for part in wanted.split("…")]
        pattern = re.compile(r"\s*.*?\s*".join(parts))
        place = next((place for place, line in enumerate(rest) if pattern.fullmatch(line)), None)
        if place is None:
            lost.append(wanted)
        else:
            rest = rest[place + 1 :]
    return lost


def _parts() -> list[tuple[str, str]]:
    text = DOCUMENT.read_text(encoding="utf-8")
    found = re.split(r"^## (.+)$", text, flags=re.MULTILINE)[1:]
    return list(zip(found[::2], found[1::2], strict=True))
