"""Health and next actions of random customers: parts add up to the whole, as reckoned in fractions."""

from collections import defaultdict
from decimal import ROUND_HALF_UP, Decimal
from fractions import Fraction

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from psycopg import sql

from .conftest import AS_OF
from .predictions import publish, rebuild, records

EARLIER = "2024-12-24"
WEIGHTS = {"usage": 25, "engagement": 20, "payments": 15, "tickets": 10, "renewal": 10, "churn_risk": 20}
CENT = Decimal("0.01")
# Whole eighths are the same in doubles and in fractions.
eighths = st.integers(0, 8).map(lambda n: n / 8)
counts = st.integers(0, 12).map(float)
money = st.integers(-20_000, 2_000_000).map(lambda n: n / 8)
FEATURES = {
    "usage_score": eighths, "features_used_30d": counts, "features_used_90d": counts, "active_days_30d": counts,
    "days_since_last_order": st.integers(0, 400).map(float), "order_count": counts, "failed_renewals_30d": counts,
    "overdue_invoice_count": counts, "tickets_30d": counts, "open_ticket_count": counts, "plan_value": money,
    "days_to_renewal": st.integers(0, 400).map(float), "has_cancellation_pending": st.sampled_from([0.0, 1.0]),
}  # fmt: skip
# By age: what is overdue, and the share of it that stays unpaid.
overdue = st.lists(st.none() | st.tuples(money.map(abs), eighths), max_size=3)
features = st.fixed_dictionaries({name: st.none() | values for name, values in FEATURES.items()})
customers = st.fixed_dictionaries({
    "today": features, "earlier": st.none() | features, "account": st.sampled_from([None, "A", "B"]),
    "churn": st.none() | eighths, "value": st.none() | money, "growth": st.none() | st.tuples(eighths, money.map(abs)),
    "overdue": overdue,
})  # fmt: skip
deals = st.tuples(st.sampled_from([None, "A", "B"]), st.none() | eighths, money.map(abs))


def _bounded(number, low=0, high=1):
    return None if number is None else min(max(number, Fraction(low)), Fraction(high))


def _less(start, *points):
    """100 less points for each; the first count must be known, the others count where they are."""
    if points[0][0] is None:
        return None
    return _bounded(start - sum(Fraction(count or 0) * worth for count, worth in points), 0, 100)


def _components(row, churn):
    known = {name: None if value is None else Fraction(value) for name, value in row.items()}
    pays = (known["plan_value"] or 0) > 0
    used = known["usage_score"]
    if used is None and known["features_used_30d"] is not None:
        used = known["features_used_30d"] / 5
    used = _bounded(used) if pays or (known["features_used_90d"] or 0) > 0 else None
    active = None if known["active_days_30d"] is None else _bounded(known["active_days_30d"] / 12)
    bought = None if known["days_since_last_order"] is None else _bounded(1 - known["days_since_last_order"] / 180)
    never = Fraction(0) if known["order_count"] == 0 else None
    signs = [sign for sign in (active, bought, never) if sign is not None]
    renewal = None if known["days_to_renewal"] is None else _bounded(known["days_to_renewal"] / 90)
    return {
        "usage": None if used is None else 100 * used,
        "engagement": 100 * max(signs) if signs else None,
        "payments": _less(100, (row["failed_renewals_30d"], 40), (row["overdue_invoice_count"], 30)),
        "tickets": _less(100, (row["tickets_30d"], 10), (row["open_ticket_count"], 15)),
        "renewal": (
            None if not pays else Fraction(0) if row["has_cancellation_pending"] else
            None if renewal is None else 100 * renewal
        ),
        "churn_risk": None if churn is None else 100 * (1 - Fraction(churn)),
    }  # fmt: skip


def _applicable(customer):
    """Probability of leaving and value, where there is something to leave and something bought."""
    buys, pays = ((customer["today"][name] or 0) > 0 for name in ("order_count", "plan_value"))
    return customer["churn"] if buys or pays else None, customer["value"] if buys else None


def _mean(pairs):
    weight = sum(w for w, _ in pairs)
    return None if weight == 0 else sum(w * value for w, value in pairs) / weight


def _cents(number):
    return Decimal(number).quantize(CENT, ROUND_HALF_UP)


def _overdue(owed):
    """What is overdue of an age, and what of it stays unpaid."""
    return _cents(owed[0]), _cents(_cents(owed[0]) * Decimal(owed[1]))


def _insert(conn, table, row):
    names, places = map(sql.SQL(", ").join, ([sql.Identifier(name) for name in row], [sql.Placeholder()] * len(row)))
    statement = sql.SQL("insert into {} ({}) values ({})")
    conn.execute(statement.format(sql.Identifier(*table.split(".")), names, places), list(row.values()))


def _fill(conn, models, found, risky):
    """Put rows where the marts read them, and build the marts."""
    for number, customer in enumerate(found):
        for day, row in ((AS_OF, customer["today"]), (EARLIER, customer["earlier"])):
            if row is not None:
                key = {"customer_id": f"C{number}", "as_of_date": day, "account_id": customer["account"]}
                _insert(conn, "features.ftr_customers", {**key, **row})
        for age, owed in enumerate(customer["overdue"]):
            amounts = _overdue(owed) if owed else (None, None)
            _insert(conn, "marts.overdue_amounts", {
                "customer_id": f"C{number}", "as_of_date": AS_OF, "age_class": age,
                "without_rate_count": int(owed is None), "overdue_amount": amounts[0], "unpaid_amount": amounts[1],
            })  # fmt: skip
    for number, (account, probability, amount) in enumerate(risky):
        _insert(conn, "marts.at_risk_deals", {
            "deal_id": f"D{number}", "as_of_date": AS_OF, "account_id": account, "counted_probability": probability,
            "forecast_amount": _cents(amount),
        })  # fmt: skip
    rows = {f"C{n}": customer for n, customer in enumerate(found)}
    publish(conn, "customer_churn", AS_OF, [
        {"customer_id": key, "churn_probability": c["churn"]} for key, c in rows.items() if c["churn"] is not None
    ])  # fmt: skip
    publish(conn, "customer_value", AS_OF, [
        {"customer_id": key, "value_amount": c["value"], "value_p10_amount": 0, "value_p90_amount": 1e6}
        for key, c in rows.items() if c["value"] is not None
    ])  # fmt: skip
    publish(conn, "customer_expansion", AS_OF, [
        {"customer_id": key, "expansion_probability": c["growth"][0], "expansion_amount": c["growth"][1]}
        for key, c in rows.items() if c["growth"] is not None
    ])  # fmt: skip
    rebuild(conn, models)


@pytest.fixture
def filled(score_models):
    """Return a function that gives the rows of a mart for random customers and deals."""

    def read(relation, found, risky=()):
        conn = score_models._session.conn
        conn.execute("begin")
        try:
            _fill(conn, score_models, found, risky)
            return records(conn, f"select * from marts.{relation}")
        finally:
            conn.execute("rollback")

    return read


@pytest.mark.identity
@given(found=st.lists(customers, min_size=1, max_size=3))
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
def test_points_add_up_to_health_and_its_change_compares_like_with_like(filled, found):
    rows = {row["customer_id"]: row for row in filled("account_health", found)}
    assert set(rows) == {f"C{n}" for n in range(len(found))}
    for number, customer in enumerate(found):
        row = rows[f"C{number}"]
        today = _components(customer["today"], _applicable(customer)[0])
        earlier = _components(customer["earlier"], None) if customer["earlier"] else dict.fromkeys(WEIGHTS)
        for name, score in today.items():
            assert row[f"{name}_score"] == (None if score is None else pytest.approx(float(score)))
        known = [(WEIGHTS[name], score) for name, score in today.items() if score is not None]
        both = [(WEIGHTS[name], today[name] - earlier[name]) for name in WEIGHTS
                if today[name] is not None and earlier[name] is not None]  # fmt: skip
        health, change = _mean(known), _mean(both)
        assert row["health_score"] == (None if health is None else pytest.approx(float(health)))
        assert row["health_change"] == (None if change is None else pytest.approx(float(change), abs=1e-9))
        if health is not None:
            assert sum(row[f"{name}_points"] or 0 for name in WEIGHTS) == pytest.approx(row["health_score"])


def _expected_parts(found, risky):
    """Amount by party, action and subject."""
    parts = {}
    for number, customer in enumerate(found):
        key, account, today = f"C{number}", customer["account"], customer["today"]
        party = ("account", account) if account else ("customer", key)
        plan = today["plan_value"] and _cents(today["plan_value"])
        churn, value = _applicable(customer)
        if churn is not None:
            base = plan * 12 if plan and plan > 0 else value and _cents(value)
            parts[party, "save", key] = base and _cents(base * Decimal(churn))
        if customer["growth"] and plan and plan > 0:
            parts[party, "expand", key] = _cents(_cents(customer["growth"][1]) * 12 * Decimal(customer["growth"][0]))
        if None not in customer["overdue"]:
            parts[party, "collect", key] = sum((_overdue(owed)[1] for owed in customer["overdue"]), Decimal(0))
    for number, (account, probability, amount) in enumerate(risky):
        party = ("account", account) if account else ("deal", f"D{number}")
        parts[party, "rescue", f"D{number}"] = probability and _cents(_cents(amount) * Decimal(probability))
    return {key: amount for key, amount in parts.items() if amount and amount > 0}


@pytest.mark.identity
@given(found=st.lists(customers, min_size=1, max_size=4), risky=st.lists(deals, max_size=3))
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
def test_parts_add_up_to_the_money_that_is_ranked(filled, found, risky):
    parts, totals = _expected_parts(found, risky), defaultdict(lambda: defaultdict(Decimal))
    for (party, action, _), amount in parts.items():
        totals[party][action] += amount
    rows = filled("next_actions", found, risky)
    assert {(row["party_kind"], row["party_id"]) for row in rows} == set(totals)
    for row in rows:
        own = totals[row["party_kind"], row["party_id"]]
        for action in ("save", "collect", "rescue", "expand"):
            assert row[f"{action}_amount"] == own[action]
        assert row["ranked_amount"] == sum(own.values())
        largest = max(own.values())
        assert row["best_action"] == next(a for a in ("save", "collect", "rescue", "expand") if own[a] == largest)
        assert row["best_action_amount"] == largest
    order = sorted(totals, key=lambda party: (-sum(totals[party].values()), *party))
    assert [(row["party_kind"], row["party_id"]) for row in sorted(rows, key=lambda row: row["action_rank"])] == order
    assert [row["action_rank"] for row in sorted(rows, key=lambda row: row["action_rank"])] == list(
        range(1, len(order) + 1)
    )  # fmt: skip
