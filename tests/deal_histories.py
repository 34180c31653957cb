"""Random histories of deals: everything that can happen to one, told in any order, on one source."""

from datetime import date, timedelta

from billing_rows import AS_OF, FIRST, LAST, TIMES, Dice, History, Rows, add_rates
from hypothesis import strategies as st

#: Deals and their events crowd into these days, so that much happens between two of them.
BEGUN_BY = date(2024, 6, 30)
AMOUNTS = ("100.00", "250.10", "0.05", "99999.99", "33.33", "-20.00", "0", None, "n/a")
STAGES = {"S1": ("open", 1), "S2": ("open", 2), "S3": ("open", 3), "W": ("won", 9), "L": ("lost", 10)}
OWNERS = ("O1", "O2", "O3", None)
ACCOUNTS = ("A1", "A2", "A9", None)
CURRENCIES = ("USD", "EUR", "GBP", None)
FIELDS = ("stage", "amount", "expected_close_on", "stage", "amount", "expected_close_on", "owner", "account",
          "currency_code", "is_deleted", "forecast_category")  # fmt: skip


@st.composite
def deal_histories(draw: st.DrawFn) -> Rows:
    """Rows by raw table: one to three deals of two accounts, three stages, and rates that may be missing."""
    dice, history = Dice(draw), History()
    _add_stages(history, dice)
    _add_owners(history, dice)
    _add_accounts(history, dice)
    add_rates(dice, history)
    keys = [history.key("D") for _ in range(dice.number(1, 3))]
    for key in keys:
        _add_deal(history, dice, key)
    _add_links(history, dice, keys)
    return history.rows


def _add_stages(history: History, dice: Dice) -> None:
    for key, (kind, order) in STAGES.items():
        history.add("stages", key, FIRST, dice, late=False, name=key, kind=kind, sort_order=order,
                    observed_at=History.at(FIRST))  # fmt: skip


def _add_owners(history: History, dice: Dice) -> None:
    """O3 is a person of whom the source has no row; O2 goes by another name."""
    for key in ("O1", "O2"):
        history.add("owners", key, FIRST, dice, late=False, team_path="All", observed_at=History.at(FIRST))
    history.link("owner", "O2", "person-2")


def _add_accounts(history: History, dice: Dice) -> None:
    """Two accounts, which come into being on some day and change segments; A9 has no row."""
    for key in ("A1", "A2"):
        begun = dice.pick((FIRST, dice.day(FIRST, BEGUN_BY)))
        segment = dice.pick(("SMB", "Enterprise", None))
        history.add("accounts", key, begun, dice, segment=segment, region="EMEA",
                    observed_at=dice.pick((History.at(begun), History.at(dice.day(begun, LAST)), None)))  # fmt: skip
        for _ in range(dice.number(0, 2)):
            history.add("account_changes", history.key("AH"), dice.day(begun), dice, account_source_id=key,
                        clock=dice.time(), field_name="segment", old_value=None,
                        new_value=dice.pick(("SMB", "Mid-Market", "Enterprise")))  # fmt: skip
    if dice.once_in(4):
        _add_merge(history, dice, "account", "A2", "test:A1")


def _add_merge(history: History, dice: Dice, entity: str, key: str, into: str) -> None:
    day = dice.day(FIRST, LAST - timedelta(days=1))
    history.link(entity, key, into)
    row = history.rows["entity_links"][-1]
    row["valid_from"], row["valid_to"] = History.at(day, dice.time()), "infinity"
    if dice.once_in(2):
        row["valid_to"] = History.at(dice.day(day + timedelta(days=1), LAST), dice.time())


def _add_links(history: History, dice: Dice, keys: list[str]) -> None:
    """A deal merged into another, perhaps parted from it again; or two source rows that always were one deal."""
    if len(keys) > 1 and dice.once_in(2):
        if dice.once_in(3):
            history.link("deal", keys[0], "one-deal")
            history.link("deal", keys[1], "one-deal")
        else:
            _add_merge(history, dice, "deal", keys[0], f"test:{keys[1]}")


def _value(dice: Dice, field: str, day: date) -> str | None:
    if field == "stage":
        return dice.pick(tuple(STAGES))
    if field == "amount":
        return dice.pick(AMOUNTS)
    if field == "expected_close_on":
        close_on = dice.pick((day + timedelta(days=dice.number(-60, 200)), date(2024, 9, 30), None))
        return close_on.isoformat() if close_on else None
    if field == "is_deleted":
        return dice.pick(("true", "false"))
    if field == "forecast_category":
        return dice.pick(("commit", "best case", None))
    return dice.pick({"owner": OWNERS, "account": ACCOUNTS, "currency_code": CURRENCIES}[field])


def _add_deal(history: History, dice: Dice, key: str) -> None:
    """A deal of a source that tells its whole history, its changes only, or nothing but how things are."""
    kind = dice.pick(("whole", "changes", "none"))
    begun, clock = dice.day(FIRST, BEGUN_BY), dice.time()
    row = history.add("deals", key, begun, dice, clock=clock,
                      deleted=History.at(dice.day(begun, LAST), dice.time()) if dice.once_in(12) else None)  # fmt: skip
    if kind == "whole":
        for field in ("stage", "amount", "currency_code", "expected_close_on", "owner", "account"):
            if not dice.once_in(8):
                # Now and then the deal is filled in somewhat later, or told late.
                filled = clock if not dice.once_in(5) else TIMES[2]
                _add_change(history, dice, key, field, begun, filled)
    if kind != "none":
        day = begun
        for _ in range(dice.number(0, 8)):
            day, clock = dice.pick((day, min(day + timedelta(days=dice.number(0, 120)), LAST))), dice.time()
            for _ in range(dice.pick((1, 2, 3))):
                _add_change(history, dice, key, dice.pick(FIELDS), day, clock)
            if dice.once_in(10):
                _add_deletion(history, dice, key, day)
    if kind == "none" or dice.once_in(3):
        _show(row, dice, begun)


def _add_change(history: History, dice: Dice, key: str, field: str, day: date, clock: object) -> None:
    history.add("deal_changes", history.key("H"), day, dice, deal_source_id=key, field_name=field, clock=clock,
                old_value=None, new_value=_value(dice, field, day))  # fmt: skip


def _add_deletion(history: History, dice: Dice, key: str, day: date) -> None:
    """Deleted on a day, and restored on a later one."""
    for value, changed_on in (("true", day), ("false", dice.day(day, LAST))):
        history.add("deal_changes", history.key("H"), changed_on, dice, late=False, deal_source_id=key,
                    field_name="is_deleted", clock=dice.time(), old_value=None, new_value=value)  # fmt: skip


def _show(row: dict[str, object], dice: Dice, begun: date) -> None:
    """What the source shows of the deal, seen on some day."""
    amount = _value(dice, "amount", begun)
    row |= {
        "observed_at": dice.pick((History.at(dice.day(begun, LAST)), History.at(begun, TIMES[2]), None)),
        "stage_source_id": dice.pick(tuple(STAGES)), "amount": None if amount == "n/a" else amount,
        "currency_code": dice.pick(CURRENCIES), "expected_close_on": _value(dice, "expected_close_on", begun),
        "owner_source_id": dice.pick(OWNERS), "account_source_id": dice.pick(ACCOUNTS),
        "forecast_category": "commit",
    }  # fmt: skip


def days_of_interest(rows: Rows) -> list[date]:
    """Every day that the rows name and its neighbours, as far as the tests look."""
    named = {
        date.fromisoformat(value[:10]) + timedelta(days=more)
        for records in rows.values()
        for row in records
        for value in row.values()
        if isinstance(value, str) and len(value) >= 10 and value[4:5] == "-" and value[7:8] == "-"
        for more in (-1, 0, 1)
    }
    return sorted(day for day in named if FIRST <= day < AS_OF)


def known_by(rows: Rows, day: date) -> Rows:
    """The rows as they would be had nothing been recorded after `day`; what sources show now is overwritten."""
    kept: Rows = {}
    last = day.isoformat()
    for table, records in rows.items():
        for row in records:
            if table == "entity_links":
                if str(row.get("valid_from", ""))[:10] <= last:
                    later = str(row.get("valid_to", "infinity"))[:10] > last
                    kept.setdefault(table, []).append({**row, "valid_to": "infinity"} if later else row)
            elif str(row["recorded_at"] or row["occurred_at"])[:10] <= last:
                kept.setdefault(table, []).append(_forgotten(row, last))
    return {**{table: [] for table in rows}, **kept}


def _forgotten(row: dict[str, object], last: str) -> dict[str, object]:
    row = dict(row)
    if str(row["deleted_at"] or "")[:10] > last:
        row["deleted_at"] = None
    if "amount" in row and str(row.get("observed_at") or "9999")[:10] > last:
        row |= {"observed_at": None, "amount": "777.77", "stage_source_id": "W", "owner_source_id": "O1"}
    return row
