"""The tutorial of customers is read as meant, and, in the long run, prints what it shows."""

import json

import pytest
import tutorial

from revlayer import dbt
from revlayer.config import Settings


def test_it_has_three_parts_of_commands_with_what_they_print():
    assert tutorial.sections() == ["CDNOW", "Online retail", "Telco churn"]
    for section in tutorial.sections():
        steps = tutorial.steps(section)
        assert sum(len(step.shown) for step in steps) > 5
        assert tutorial.exports(steps[0])["REVLAYER_HOME"].startswith(".revlayer-")


def test_its_variables_are_those_of_the_project():
    known = dbt.variables(Settings())
    for section in tutorial.sections():
        for step in tutorial.steps(section):
            given = json.loads(tutorial.exports(step).get("REVLAYER_DBT_VARIABLES", "{}"))
            assert given.keys() <= known.keys()


@pytest.mark.parametrize(
    ("shown", "lost"),
    [
        (("one  two", "four"), []),
        (("four", "one two"), ["one two"]),
        (("o…o", "…5 s"), []),
        (("3…", "five"), ["five"]),
    ],
)
def test_lines_that_were_not_printed_are_found(shown, lost):
    assert tutorial.missing(shown, "zero\none two\n  3.5 s\n four\n 5.5 s") == lost


@pytest.mark.slow
@pytest.mark.parametrize("section", tutorial.sections())
def test_it_prints_what_it_shows(make_database, test_data, tmp_path, section):
    given = {"REVLAYER_DATABASE_URL": make_database("tutorial").url, "DATA": str(test_data),
             "REVLAYER_DBT_TARGET": str(tmp_path)}  # fmt: skip
    for step, printed, lost in tutorial.follow(section, given):
        assert not lost, f"{step.commands}\n{printed}"
