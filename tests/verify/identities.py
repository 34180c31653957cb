"""Revenue identities over random histories: every test marked so, with all its examples, in two processes."""

import os
import re
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from xml.etree import ElementTree

from tests.verify.report import Line, Section

ROOT = Path(__file__).parents[2]
# The fewest histories that an identity has to hold for, by profile of tests/conftest.py.
EXAMPLES = {"whole": 500, "quick": 10}
HEADER = ("identity", "histories tried", "of them failing", "seconds", "ms a history")
TRIED = re.compile(r"- (\d+) passing, (\d+) failing")


@dataclass(frozen=True)
class Identity:
    """What became of one identity: histories that held and that did not, by hypothesis' own count."""

    name: str
    passing: int
    failing: int
    seconds: float
    has_failed: bool


def check(profile: str) -> Section:
    """Run the tests on all histories of a profile, and count them."""
    found = _run(profile)
    section = Section("Revenue identities over random histories")
    section.check("identities tried", len(found), lambda v: v >= 1, "≥ 1")
    fewest = min((one.passing + one.failing for one in found), default=0)
    section.check(
        "fewest histories of any identity", fewest, lambda v: v >= EXAMPLES[profile], f"≥ {EXAMPLES[profile]}"
    )
    failed = [one.name for one in found if one.has_failed or one.failing]
    section.lines.append(Line("identities that failed", ", ".join(failed) or "none", "none", not failed))
    cells = [
        (one.name, one.passing + one.failing, one.failing, round(one.seconds),
         round(1000 * one.seconds / max(one.passing + one.failing, 1)))
        for one in sorted(found, key=lambda one: one.name)
    ]  # fmt: skip
    section.tables.append(("Each history is built by the models' own SQL and reckoned again in Python:", HEADER, cells))
    return section


def _run(profile: str) -> list[Identity]:
    environment = {key: value for key, value in os.environ.items() if key != "REVLAYER_TEST_DATABASE_URL"}
    with TemporaryDirectory() as folder:
        report = Path(folder) / "report.xml"
        command = [
            sys.executable, "-m", "pytest", "-m", "identity", f"--hypothesis-profile={profile}", "-n", "2",
            "--dist", "loadfile", "--hypothesis-show-statistics", f"--junitxml={report}", "-o",
            "junit_duration_report=call", "tests",
        ]  # fmt: skip
        done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False)
        if not report.exists():
            raise SystemExit(f"the identities did not run:\n{done.stdout}\n{done.stderr}")
        outcomes = _outcomes(report)
    if done.returncode:
        print(done.stdout)
    counted = _counted(done.stdout)
    return [
        Identity(name, *counted.get(name, (0, 0)), seconds, has_failed)
        for name, (seconds, has_failed) in outcomes.items()
    ]


def _outcomes(report: Path) -> dict[str, tuple[float, bool]]:
    """Seconds and whether it failed, by the test's name; a test that skipped or broke down has failed."""
    cases = ElementTree.parse(report).getroot().iter("testcase")
    return {str(case.get("name")): (float(case.get("time") or 0), len(list(case)) > 0) for case in cases}


def _counted(output: str) -> dict[str, tuple[int, int]]:
    """Histories that passed and failed, over all phases, from hypothesis' statistics."""
    counted: dict[str, tuple[int, int]] = {}
    name = ""
    for line in output.splitlines():
        if title := re.match(r"tests/\S+?::(.+):$", line):
            name = title.group(1)
        elif tried := TRIED.search(line):
            passing, failing = counted.get(name, (0, 0))
            counted[name] = passing + int(tried.group(1)), failing + int(tried.group(2))
    return counted
