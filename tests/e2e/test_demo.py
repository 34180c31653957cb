"""The demonstration: harmless when repeated, and never shows another company's tables."""

from dataclasses import replace

import pytest

from revlayer import demo
from revlayer.errors import RevlayerError
from tests.conftest import COMPANY


def silent(_what, _done, _total):
    """Progress that nobody watches."""


def demonstrate(database, company):
    steps = []
    demo.demonstrate(database.settings, company, silent, steps.append)
    return [step.name for step in steps], steps[-1].outcome


def deal_count(database):
    with database.connect("reader") as conn:
        return conn.execute("select count(*) from marts.fct_deals").fetchone()[0]


def test_repeated_it_only_looks(company):
    names, outcome = demonstrate(company, COMPANY)
    assert names == ["database", "run"]
    assert outcome == "everything is published already"


def test_the_tour_shows_rows(company):
    with company.connect("reader") as conn:
        found = demo.tour(conn)
    words = {word for stop in found for word in stop.title.split()}
    assert {"customers", "recurring", "owe", "installs", "do"} <= words
    for stop in found:
        assert stop.rows and len(stop.rows) <= 12 and (stop.picture or stop.header[0]) in stop.header, stop.title


def test_tables_are_described_by_one_line_each(company):
    with company.connect("reader") as conn:
        found = demo.tables(conn)
    assert len(found) > 10
    for name, _, description in found:
        assert description and "\n" not in description and not description.endswith((".", " ")), name


@pytest.mark.slow
def test_a_company_simulated_and_not_yet_run_is_run(company, models_only, make_database):
    copy = make_database("other", company)
    other = replace(COMPANY, deals=300, months=24)
    demo.simulate_company(copy.settings, other, silent)
    names, _ = demonstrate(copy, other)
    assert "simulate" not in names and "marts" in names
    assert deal_count(copy) == 300


def test_data_of_another_source_are_left_alone(database):
    with database.connect("loader") as conn:
        conn.execute("insert into raw.deals (source_name, source_id) values ('my crm', '1')")
    with pytest.raises(RevlayerError, match="'my crm'"):
        demonstrate(database, COMPANY)
