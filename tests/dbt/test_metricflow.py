"""The metrics of the semantic models, asked for through MetricFlow, are what plain queries of the marts say."""

import csv
import logging
import re
import sys
from datetime import date, datetime
from pathlib import Path

import pytest
from dbt_metricflow.cli import main as metricflow
from metricflow.engine.metricflow_engine import MetricFlowQueryRequest
from metricflow_semantic_interfaces.validations.semantic_manifest_validator import SemanticManifestValidator
from typer.testing import CliRunner

import revlayer
from revlayer import semantic_layer
from revlayer.cli.main import app
from revlayer.errors import RevlayerError

TEXT = (Path(__file__).parents[2] / "docs" / "metrics.md").read_text(encoding="utf-8")
MONTH, QUARTER, YEAR = "metric_time__month", "metric_time__quarter", "metric_time__year"
BY = "group by 1, 2"

# Metric, what it is grouped by, and the query of the marts with the groups first.
CASES = [
    (
        "mrr",
        [MONTH, "segment"],
        f"select month_start_on, segment_id, sum(mrr_reporting_amount) from fct_mrr_monthly {BY}",
    ),
    (
        "mrr",  # a year has the amount of its last month
        [YEAR],
        "select date_trunc('year', month_start_on)::date, sum(mrr_reporting_amount) from fct_mrr_monthly"
        " where month_start_on in"
        " (select max(month_start_on) from fct_mrr_monthly group by date_trunc('year', month_start_on)) group by 1",
    ),
    (
        "arr",
        [],
        "select sum(arr_reporting_amount) from fct_mrr_monthly"
        " where month_start_on = (select max(month_start_on) from fct_mrr_monthly)",
    ),
    (
        "committed_mrr",
        [MONTH, "customer_month__currency_code"],
        f"select month_start_on, currency_code, sum(committed_mrr_reporting_amount) from fct_mrr_monthly {BY}",
    ),
    *(
        (
            f"{name}{suffix}",
            by,
            f"select month_start_on, {columns} {name}_rate from retention_{table} where breakdown = '{breakdown}'"
            f" and {name}_rate is not null",
        )
        for name in ("nrr", "grr")
        for suffix, table in (("", "monthly"), ("_trailing", "trailing"))
        for by, columns, breakdown in (
            ([MONTH], "", "all"),
            ([MONTH, "segment"], "segment_id,", "segment"),
            ([MONTH, "retention_window__cohort_month_on__month"], "cohort_month_on,", "cohort"),
        )
    ),
    (
        "nrr_trailing",  # a year has the window to its last month
        [YEAR],
        "select date_trunc('year', month_start_on)::date, nrr_rate from retention_trailing where breakdown = 'all'"
        " and month_start_on in (select max(month_start_on) from retention_windows where window_kind = 'trailing'"
        " group by date_trunc('year', month_start_on)) and nrr_rate is not null",
    ),
    (
        "win_rate",
        [QUARTER, "deal__owner_name"],
        "select date_trunc('quarter', closed_on)::date, owner_name,"
        " sum((status = 'won')::integer)::float8 / count(*)::float8"
        f" from fct_deals where status in ('won', 'lost') {BY}",
    ),
    (
        "win_rate",
        ["segment__region"],
        "select segments.region, sum((status = 'won')::integer)::float8 / count(*)::float8"
        " from fct_deals left join dim_segment as segments using (segment_id)"
        " where status in ('won', 'lost') group by 1",
    ),
    (
        "won_amount",
        [MONTH, "deal__currency_code"],
        "select date_trunc('month', closed_on)::date, currency_code,"
        " sum(reporting_amount) filter (where status = 'won')"
        f" from fct_deals where status in ('won', 'lost') {BY}",
    ),
    (
        "created_deals",
        [MONTH],
        "select date_trunc('month', created_on)::date, count(*) from fct_deals"
        " where status not in ('deleted', 'merged') group by 1",
    ),
    (
        "pipeline",
        ["open_deals__stage_name", "owner"],
        "select stage_name, owner_id, sum(reporting_amount) from pipeline_summary"
        f" where as_of_date = (select max(as_of_date) from pipeline_summary) {BY}",
    ),
    (
        "weighted_pipeline",  # a month has the pipeline of its last date, a quarter that of its last month
        [QUARTER, "segment"],
        "select date_trunc('quarter', as_of_date)::date, segment_id, sum(weighted_reporting_amount)"
        " from pipeline_summary where as_of_date in"
        f" (select max(as_of_date) from pipeline_summary group by date_trunc('quarter', as_of_date)) {BY}",
    ),
    (
        "pipeline_change",
        [MONTH, "pipeline_part__cause"],
        "select month_start_on, cause, sum(reporting_amount) from pipeline_changes_monthly"
        f" where cause not in ('opening', 'closing') {BY}",
    ),
    (
        "forecast",
        [MONTH, "segment"],
        "select month_start_on, segment_id, sum(mean_amount) from revenue_forecast_monthly group by 1, 2",
    ),
    (
        "closed_deals",
        ["metric_time__fiscal_quarter"],
        "select fiscal_quarter_start_on, count(*) from fct_deals inner join dim_date on date_day = closed_on"
        " where status in ('won', 'lost') group by 1",
    ),
]


@pytest.fixture(scope="module")
def metrics(company):
    with semantic_layer.configured(company.settings) as configuration:
        configuration.setup(configure_file_logging=False)
        yield configuration


def plain(value: object) -> object:
    """A day or a float: MetricFlow gives neither days nor decimals."""
    if isinstance(value, (datetime, date)):
        return value.isoformat()[:10]
    return value if value is None or isinstance(value, str) else float(value)


def rows_of(found) -> dict[tuple[object, ...], object]:
    """Value by group, where there is one."""
    return {tuple(map(plain, row[:-1])): plain(row[-1]) for row in found if row[-1] is not None}


@pytest.mark.parametrize(("metric", "by", "query"), CASES, ids=[" ".join([name, *by]) for name, by, _ in CASES])
def test_metric_is_what_the_marts_say(metrics, company, metric, by, query):
    request = MetricFlowQueryRequest.create(metric_names=[metric], group_by_names=by)
    result = metrics.mf.query(request).result_df
    places = [result.column_names.index(name) for name in (*by, metric)]
    asked = rows_of([row[place] for place in places] for row in result.rows)
    with company.connect("reader") as conn:
        conn.execute("set search_path to marts")
        expected = rows_of(conn.execute(query).fetchall())
    assert asked == expected
    assert len(expected) >= (2 if by else 1) and any(expected.values())


def test_metrics_are_valid_and_described(metrics):
    manifest = metrics.semantic_manifest
    found = SemanticManifestValidator().validate_semantic_manifest(manifest)
    assert [issue.message for issue in found.all_issues] == []
    assert [metric.name for metric in manifest.metrics if not metric.description] == []
    documented = set(re.findall(r"`(\w+)`", TEXT.split("## Through dbt's semantic layer")[1].split("\n## ")[0]))
    assert {metric.name for metric in manifest.metrics} - documented == set()


def test_no_relation_names_a_database(metrics):
    """What was built last may have been another one."""
    manifest = metrics.semantic_manifest
    found = [*manifest.semantic_models, *manifest.project_configuration.time_spines]
    names = [each.node_relation.relation_name for each in found]
    assert len(names) > 5 and [name for name in names if not re.fullmatch(r'"marts"\."\w+"', name)] == []


@pytest.fixture
def run(company, monkeypatch):
    """Run revlayer mf in process and return what it printed."""
    monkeypatch.setenv("REVLAYER_DATABASE_URL", company.url)
    monkeypatch.setattr(metricflow, "UpdateChecker", None)  # the package index is not asked
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level

    def invoke(*arguments: str, exit_code: int = 0) -> str:
        done = CliRunner().invoke(app, ["mf", *arguments])
        assert done.exit_code == exit_code, done.output
        return done.output

    yield invoke
    root.handlers[:], root.level = handlers, level


def test_configuration_is_valid_against_the_database(run):
    assert "•" not in run("validate-configs", "--show-all")  # what precedes each issue


def test_command_writes_what_it_finds(run, company, tmp_path):
    file = tmp_path / "mrr.csv"
    run("query", "--metrics", "mrr,arr", "--group-by", MONTH, "--order", MONTH, "--csv", str(file))
    with file.open(newline="") as lines:
        [header, *rows] = csv.reader(lines)
    assert header == [MONTH, "mrr", "arr"]
    with company.connect("reader") as conn:
        expected = conn.execute(
            "select month_start_on, sum(mrr_reporting_amount), sum(arr_reporting_amount)"
            " from marts.fct_mrr_monthly group by month_start_on order by month_start_on"
        ).fetchall()
    assert [[row[0][:10], float(row[1]), float(row[2])] for row in rows] == [
        [day.isoformat(), float(mrr), float(arr)] for day, mrr, arr in expected
    ]


def test_command_shows_the_options_of_metricflow(run):
    assert "--group-by" in run("query", "--help") and "tutorial" not in run("--help")


def test_a_metric_that_does_not_exist_is_named_without_a_traceback(run):
    shown = run("query", "--metrics", "nope", exit_code=1)
    assert "does not exactly match any known metrics" in shown and "Traceback" not in shown


def test_before_the_first_build_there_is_nothing_to_ask(company, tmp_path):
    settings = company.settings.model_copy(update={"dbt_target": tmp_path})
    with pytest.raises(RevlayerError, match="before the first build"):
        semantic_layer.run(settings, ["list", "metrics"])


def test_a_database_without_marts_is_told_to_be_built(company, database):
    settings = company.settings.model_copy(update={"database_url": database.settings.database_url})
    with pytest.raises(RevlayerError, match=r"this database has no .*marts are not built") as raised:
        semantic_layer.run(settings, ["query", "--metrics", "mrr"])
    assert raised.value.hint == "Run: revlayer run"


def test_piped_output_has_no_frames_of_a_spinner(run):
    shown = run("query", "--metrics", "mrr", "--group-by", MONTH, "--order", MONTH)
    assert "query completed" in shown and "\x1b" not in shown
    assert [frame for frame in "⠋⠙⠹⠸⠼⠴⠦⠧⠇⠏" if frame in shown] == []


def test_without_metricflow_the_command_says_what_to_install(monkeypatch):
    monkeypatch.delattr(revlayer, "semantic_layer")
    monkeypatch.setitem(sys.modules, "revlayer.semantic_layer", None)
    done = CliRunner().invoke(app, ["mf", "list", "metrics"])
    assert isinstance(done.exception, RevlayerError) and "revlayer[metricflow]" in str(done.exception)
