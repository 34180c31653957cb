"""What the installs of a simulated company must satisfy, whatever the seed."""

from datetime import UTC, date, datetime

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pytest

from revlayer.simulator.clock import Clock, build_clock
from revlayer.simulator.extent import Extent
from revlayer.simulator.generation import generate
from revlayer.simulator.installs import InstallParameters, fingerprint, generate_installs
from revlayer.simulator.installs import generation as install_generation
from revlayer.simulator.parameters import Parameters

END = date(2025, 6, 30)
END_AT = datetime(2025, 7, 1, tzinfo=UTC)
#: Changing a parameter changes every simulated company: do it with a line in DECISIONS.md.
FROZEN = "84ef10bf6a7ea561e5e465193e7833eb381e7df1769204fdece0dfedc9b4887a"
DAY = 86_400
Tables = dict[str, pa.Table]


def make(installs: int, seed: int = 1, shoppers: int = 500, clock: Clock | None = None) -> Tables:
    parts: dict[str, list[pa.Table]] = {}
    clock = clock or build_clock(Parameters(), seed, 36, END)
    for name, table in generate_installs(clock, seed, installs, shoppers):
        parts.setdefault(name, []).append(table)
    return {name.removeprefix("raw."): pa.concat_tables(tables) for name, tables in parts.items()}


@pytest.fixture(scope="module", params=[1, 9])
def tables(request: pytest.FixtureRequest) -> Tables:
    return make(160_000, seed=request.param)


def positions(keys: pa.ChunkedArray) -> np.ndarray:
    return np.array(pc.utf8_slice_codeunits(keys, 1).cast(pa.int64())) - 1


def seconds(times: pa.ChunkedArray) -> np.ndarray:
    return np.array(times.cast(pa.int64()))


def first_week(tables: Tables) -> tuple[np.ndarray, np.ndarray]:
    """What every install paid in its first seven days, and whether these lie within the history."""
    installed = seconds(tables["installs"]["occurred_at"])
    events = tables["install_events"].filter(pc.equal(tables["install_events"]["event_name"], "purchase"))
    install = positions(events["install_source_id"])
    within = seconds(events["occurred_at"]) - installed[install] < 7 * DAY
    paid = np.zeros(len(installed))
    np.add.at(paid, install[within], np.array(events["revenue_amount"].cast(pa.float64()))[within])
    return paid, installed + 7 * DAY < END_AT.timestamp()


def truth(tables: Tables, column: str) -> np.ndarray:
    return np.array(tables["truth.install_revenue"][column])


def test_parameters_are_frozen() -> None:
    assert fingerprint(InstallParameters()) == FROZEN


def test_same_arguments_same_rows() -> None:
    first, second = make(2_000), make(2_000)
    assert all(first[name].equals(second[name]) for name in first)
    assert not make(2_000, seed=2)["install_events"].equals(first["install_events"])


def test_a_company_has_as_many_installs_as_asked_for() -> None:
    rows = {name: table for name, table in generate(60, 1, 12, END, extent=Extent.of(60, installs=70))
            if name == "raw.installs"}  # fmt: skip
    assert rows["raw.installs"].num_rows == 70
    assert Extent.of(20_000) == Extent(shoppers=2_500, installs=10_000)
    with pytest.raises(ValueError, match="installs"):
        Extent.of(100, installs=-1)


def test_keys_are_unique_and_resolve(tables: Tables, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(install_generation, "CHUNK_INSTALLS", 700)
    for found in (tables, make(2_500)):
        keys = found["installs"]["source_id"]
        for name in ("installs", "install_events", "install_ad_revenues"):
            assert pc.count_distinct(found[name]["source_id"]).as_py() == found[name].num_rows
        for name in ("install_events", "install_ad_revenues"):
            assert pc.all(pc.is_in(found[name]["install_source_id"], keys.combine_chunks())).as_py()
        ids = pc.binary_join_element_wise(pa.scalar("simulator"), keys, ":")
        assert found["truth.install_revenue"]["install_id"].to_pylist() == ids.to_pylist()
        by_shopper = found["installs"]["customer_source_id"].drop_null().to_pylist()
        assert by_shopper and set(by_shopper) <= {f"H{number:08}" for number in range(1, 501)}
    assert make(300, shoppers=0)["installs"]["customer_source_id"].null_count == 300


def test_nothing_is_known_after_the_end(tables: Tables) -> None:
    for name in ("installs", "install_events", "install_ad_revenues"):
        for column in ("occurred_at", "recorded_at"):
            assert pc.max(tables[name][column]).as_py() < END_AT, (name, column)
    assert (np.diff(seconds(tables["installs"]["occurred_at"])) >= 0).all()


def test_nothing_happens_before_the_install(tables: Tables) -> None:
    installed = seconds(tables["installs"]["occurred_at"])
    for name in ("install_events", "install_ad_revenues"):
        since = seconds(tables[name]["occurred_at"]) - installed[positions(tables[name]["install_source_id"])]
        assert since.min() >= 0, name
    events = tables["install_events"]
    bought = pc.equal(events["event_name"], "purchase")
    since = seconds(events["occurred_at"]) - installed[positions(events["install_source_id"])]
    # The first day tells of no purchase, so that it can be used to foretell the week.
    assert since[np.array(bought)].min() >= DAY
    assert pc.all(pc.equal(pc.is_valid(events["revenue_amount"]), bought)).as_py()
    assert pc.min(events["revenue_amount"].drop_null().cast(pa.float64())).as_py() > 0


def test_few_pay_and_a_few_of_them_pay_most(tables: Tables) -> None:
    paid, is_over = first_week(tables)
    payers = np.sort(paid[is_over & (paid > 0)])[::-1]
    assert 0.95 <= 1 - len(payers) / is_over.sum() <= 0.98
    assert payers[: len(payers) // 10].sum() > 0.45 * payers.sum()
    assert payers[0] > 50 * np.median(payers)


def test_truth_is_calibrated(tables: Tables) -> None:
    paid, is_over = first_week(tables)
    chance, expected = truth(tables, "payer_probability"), truth(tables, "expected_purchase_amount")
    variance = truth(tables, "payer_log_sigma") ** 2
    np.testing.assert_allclose(expected, chance * np.exp(truth(tables, "payer_log_mean") + variance / 2), rtol=1e-12)
    second_moment = chance * np.exp(2 * truth(tables, "payer_log_mean") + 2 * variance)
    # By tenths of the truth: within four standard errors of what came.
    for order, realised, mean, spread in (
        (chance, paid > 0, chance, chance * (1 - chance)),
        (expected, paid, expected, second_moment - expected**2),
    ):
        for rows in np.array_split(np.flatnonzero(is_over)[np.argsort(order[is_over])], 10):
            error = np.sqrt(spread[rows].sum())
            assert abs(realised[rows].sum() - mean[rows].sum()) < 4 * error
    log_paid = np.log(paid[paid > 0]) - truth(tables, "payer_log_mean")[paid > 0]
    assert abs(log_paid.mean()) < 0.1
    assert abs(log_paid.std() / np.sqrt(variance[0]) - 1) < 0.05


def test_those_who_paid_in_the_first_week_buy_on_more_often(tables: Tables) -> None:
    paid, is_over = first_week(tables)
    installed = seconds(tables["installs"]["occurred_at"])
    events = tables["install_events"].filter(pc.equal(tables["install_events"]["event_name"], "purchase"))
    install = positions(events["install_source_id"])
    later = np.zeros(len(paid), dtype=bool)
    later[install[seconds(events["occurred_at"]) - installed[install] >= 7 * DAY]] = True
    assert later[is_over & (paid > 0)].mean() > 0.35
    assert 0.004 < later[is_over & (paid == 0)].mean() < 0.007


def test_truth_of_advertisements_is_calibrated(tables: Tables) -> None:
    rows = tables["install_ad_revenues"]
    earned = np.zeros(tables["installs"].num_rows)
    np.add.at(earned, positions(rows["install_source_id"]), np.array(rows["revenue_amount"]))
    _, is_over = first_week(tables)
    expected = truth(tables, "expected_ad_amount")
    assert earned[is_over].sum() == pytest.approx(expected[is_over].sum(), rel=0.02)
    assert np.corrcoef(earned, expected)[0, 1] > 0.4


def test_truth_varies_with_what_is_seen_and_drifts_slowly(tables: Tables) -> None:
    chance = truth(tables, "payer_probability")
    source = np.array([name and name.lower() for name in tables["installs"]["install_source"].to_pylist()])
    platform = np.array([(name or "").strip().lower()[:3] for name in tables["installs"]["platform"].to_pylist()])
    on = {name: chance[source == name].mean() for name in ("organic", "rewards")}
    assert on["organic"] > 2 * on["rewards"]
    gap = {kind: chance[(platform == kind) & (source == "rewards")].mean() / chance[platform == kind].mean()
           for kind in ("ios", "and")}  # fmt: skip
    assert gap["and"] < 0.8 * gap["ios"]
    means = [part.mean() for part in np.array_split(chance, 12)]
    assert max(means) / min(means) < 1.5
    assert max(abs(np.diff(np.log(means)))) < 0.15


def test_spellings_differ_and_new_values_appear_late(tables: Tables) -> None:
    installs = tables["installs"]
    assert {"iOS", "ios", " IOS", "Android", "android", None} <= set(installs["platform"].to_pylist())
    assert {"US", "us", None} <= set(installs["country_code"].to_pylist())
    assert {"organic", "Organic"} <= set(installs["install_source"].to_pylist())
    early = installs.slice(0, installs.num_rows * 6 // 10)
    late = installs.slice(installs.num_rows * 9 // 10)
    for column, value in (("device_family", "iPhone Air"), ("country_code", "PL")):
        assert value not in early[column].to_pylist()
        assert value in late[column].to_pylist()
    written = pc.starts_with(installs["os_version"], "iOS")
    is_apple = pc.match_substring_regex(pc.utf8_lower(installs["platform"]), "^ *ios|iphone")
    assert pc.all(pc.equal(written, is_apple)).as_py()
