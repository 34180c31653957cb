"""The open pipeline and its changes reckoned in Python from raw rows, to hold the models against.

A state is looked up anew among all that was told by then, for every day and event; nothing follows the models' SQL.
"""

from collections import defaultdict
from collections.abc import Iterator
from datetime import UTC, date, datetime
from decimal import ROUND_HALF_UP, Decimal
from functools import cache
from typing import Any

from deal_events import END, Event, State, Told, cause_of

Row = dict[str, Any]
CENT = Decimal("0.01")
UNKNOWN = "Unknown / Unknown"
#: What is told at one instant is applied in this order.
ORDER = ("segment", "currency_code", "amount", "expected_close_on", "forecast_category", "owner", "account", "stage",
         "is_deleted", "is_merged")  # fmt: skip
OBSERVED = {"stage": "stage_source_id", "owner": "owner_source_id", "account": "account_source_id"}


def _instant(text: Any) -> datetime:
    return datetime.fromisoformat(str(text))


def _day(text: Any) -> date:
    return _instant(text).astimezone(UTC).date() if str(text or "infinity") != "infinity" else END


def _known_at(row: Row) -> datetime:
    names = ("recorded_at", "occurred_at", "observed_at", "loaded_at")
    return _instant(next(row[name] for name in names if row.get(name)))


def _counts_from(row: Row) -> datetime:
    return max(_known_at(row), _instant(row["occurred_at"])) if row.get("occurred_at") else _known_at(row)


def _first_mentions(rows: dict[str, list[Row]]) -> dict[tuple[str, str], date]:
    """The first day on which a row, a change of it or a deal that names it was known, by entity and source id."""
    seen: dict[tuple[str, str], date] = defaultdict(lambda: END)

    def mention(entity: str, key: Any, day: date) -> None:
        seen[entity, key] = min(seen[entity, key], day)

    for entity in ("deal", "account", "owner"):
        for row in rows.get(f"{entity}s", []):
            mention(entity, row["source_id"], _day(_counts_from(row).isoformat()))
        for row in rows.get(f"{entity}_changes", []):
            mention(entity, row[f"{entity}_source_id"], _day(_counts_from(row).isoformat()))
    for row in rows.get("deals", []):
        shown = max(_day(_counts_from(row).isoformat()), _day(row.get("observed_at") or row["loaded_at"]))
        for entity in ("account", "owner"):
            mention(entity, row.get(f"{entity}_source_id"), shown)
    for row in rows.get("deal_changes", []):
        if row["field_name"] in ("account", "owner"):
            mention(row["field_name"], row["new_value"], _day(_counts_from(row).isoformat()))
    return seen


class PipelineReckoning:
    """What the rows of raw tables say of open deals."""

    def __init__(self, rows: dict[str, list[Row]], as_of: date) -> None:
        self.as_of = as_of
        self.links: dict[tuple[str, str], list[Row]] = defaultdict(list)
        for row in rows.get("entity_links", []):
            self.links[row["entity"], f"{row['source_name']}:{row['source_id']}"].append(row)
        self.seen = _first_mentions(rows)
        self.kinds = {f"test:{row['source_id']}": row["kind"] for row in rows.get("stages", [])}
        self.owners = self._named(rows, "owner")
        self.account_names = self._named(rows, "account")
        self.accounts: dict[str, Row] = {}
        for row in sorted(rows.get("accounts", []), key=lambda row: (_known_at(row), row["source_id"])):
            self.accounts.setdefault(self._id("account", row), row)  # of several rows, the one known first speaks
        self.account_changes: dict[str, list[Row]] = defaultdict(list)
        for row in rows.get("account_changes", []):
            self.account_changes[self._account(row["account_source_id"])].append(row)
        self.deals: dict[str, list[Row]] = defaultdict(list)
        for row in sorted(rows.get("deals", []), key=lambda row: (_known_at(row), row["source_id"])):
            self.deals[self._id("deal", row)].append(row)
        self.changes = rows.get("deal_changes", [])
        self.rates = rows.get("exchange_rates", [])
        self.segment = cache(self._segment)
        self.speaking = cache(self._speaking)
        self.rate = cache(self._rate)
        self.told = {deal: self._told(deal) for deal in self.deals}

    # Who is who.

    def _id(self, entity: str, row: Row) -> str:
        key = f"{row['source_name']}:{row['source_id']}"
        for link in self.links.get((entity, key), ()):
            if "valid_from" not in link or _day(link["valid_from"]) <= self.seen[entity, row["source_id"]]:
                return str(link["canonical_id"])
        return key

    def _named(self, rows: dict[str, list[Row]], entity: str) -> dict[str, str]:
        return {f"test:{row['source_id']}": self._id(entity, row) for row in rows.get(f"{entity}s", [])}

    def _merges(self, entity: str, identity: str) -> Iterator[tuple[str, date, date]]:
        """What an entity was merged into, from when to when."""
        if entity == "deal":
            rows = self.deals[identity]
        else:
            rows = [self.accounts[identity]] if identity in self.accounts else []
        for row in rows:
            for link in self.links.get((entity, f"test:{row['source_id']}"), ()):
                if link["canonical_id"] != identity:
                    yield link["canonical_id"], _day(link["valid_from"]), _day(link["valid_to"])

    # Accounts.

    def _in_charge(self, account: str, day: date) -> str:
        return next((into for into, start, end in self._merges("account", account) if start <= day < end), account)

    def _speaking(self, account: str, day: date) -> str:
        in_charge = self._in_charge(account, day)
        return in_charge if self._segment_of(in_charge, day) else account

    def _segment(self, account: str | None, day: date) -> str:
        return (account and self._segment_of(self._in_charge(account, day), day)) or UNKNOWN

    def _segment_of(self, account: str, day: date) -> str | None:
        row = self.accounts.get(account)
        if row is None or _day(_counts_from(row).isoformat()) > day:
            return None
        begun = _day(_counts_from(row).isoformat())
        seen = _day(row.get("observed_at") or row["loaded_at"])
        told = [change for change in self.account_changes[account] if _day(_counts_from(change).isoformat()) <= day]
        if told:
            last = max(told, key=lambda row: (_instant(row["occurred_at"]), _known_at(row), row["source_id"]))
            segment = last["new_value"]
        else:
            segment = row["segment"] if begun <= seen <= day else None
        region = row["region"] if begun <= seen <= day else None
        return f"{segment or 'Unknown'} / {region or 'Unknown'}"

    # What is told of a deal.

    def _told(self, deal: str) -> list[Told]:
        rows = self.deals[deal]
        began_at = _counts_from(rows[0])
        begun = _day(began_at.isoformat())
        found = [Told(begun, began_at, "", None, (), is_first=True)]
        keys = {row["source_id"] for row in rows}
        for change in self.changes:
            if change["deal_source_id"] in keys and not (
                change["field_name"] == "amount" and change["new_value"] == "n/a"
            ):
                rank = (1, _instant(change["occurred_at"]), _known_at(change), f"test:{change['source_id']}")
                counts_from = _counts_from(change)
                found.append(self._placed(change["field_name"], change["new_value"], counts_from, rank, began_at))
        for row in rows:
            if row.get("deleted_at"):
                gone, told = _instant(row["deleted_at"]), max(_instant(row["deleted_at"]), _counts_from(row))
                rank = (1, gone, told, f"test:{row['source_id']}:deleted")
                found.append(self._placed("is_deleted", "true", told, rank, began_at))
        edges = {
            (edge, value)
            for _, start, end in self._merges("deal", deal)
            for edge, value in ((start, "true"), (end, "false"))
            if edge != END
        }
        for edge, value in edges:
            midnight = datetime(edge.year, edge.month, edge.day, tzinfo=UTC)
            found.append(self._placed("is_merged", value, midnight, (1, midnight, midnight, ""), began_at))
        found += self._observed(rows[0], begun, began_at)
        told = [one for one in found if one.day <= self.as_of]
        accounts = {self._account(one.value) for one in told if one.field == "account" and one.value}
        for day in sorted({edge for account in accounts for edge in self._account_edges(account)}):
            if begun < day <= self.as_of:
                told.append(Told(day, None, "segment", None, ()))
        return sorted(told, key=lambda one: (one.day, one.at is not None, one.at or began_at, not one.is_first,
                                             ORDER.index(one.field) if one.field else -1, one.rank))  # fmt: skip

    @staticmethod
    def _placed(field: str, value: Any, counts_from: datetime, rank: tuple[Any, ...], began_at: datetime) -> Told:
        at = max(counts_from, began_at)
        return Told(at.astimezone(UTC).date(), at, field, value, rank, is_first=counts_from <= began_at)

    @staticmethod
    def _observed(row: Row, begun: date, began_at: datetime) -> Iterator[Told]:
        seen = _day(row.get("observed_at") or row["loaded_at"])
        if seen < begun:
            return
        for field in ORDER[1:8]:
            value = row.get(OBSERVED.get(field, field))
            if value is not None:
                text = f"test:{value}" if field in OBSERVED else str(value)
                is_first = seen == begun
                yield Told(seen, began_at if is_first else None, field, text.removeprefix("test:"), (0,), is_first)

    def _account_edges(self, account: str | None) -> set[date]:
        edges: set[date] = set()
        for one in [account, *(into for into, _, _ in self._merges("account", account or ""))]:
            if row := self.accounts.get(one or ""):
                edges |= {_day(_counts_from(row).isoformat()), _day(row.get("observed_at") or row["loaded_at"])}
            edges |= {_day(_counts_from(change).isoformat()) for change in self.account_changes[one or ""]}
        for _, start, end in self._merges("account", account or ""):
            edges |= {start, end}
        return edges

    def _account(self, value: str) -> str:
        return self.account_names.get(f"test:{value}", f"test:{value}")

    def _state(self, told: list[Told], day: date) -> State:
        """The state that a set of things told makes, at some time of a day."""
        held: dict[str, Told] = {}
        for one in told:
            if one.field not in held or one.rank >= held[one.field].rank:
                held[one.field] = one
        values = {field: one.value for field, one in held.items() if one.value not in (None, "")}
        stage = f"test:{values['stage']}" if "stage" in values else None
        account = self._account(values["account"]) if "account" in values else None
        owner = f"test:{values['owner']}" if "owner" in values else None
        if values.get("is_merged") == "true":
            status = "merged"
        elif values.get("is_deleted") == "true":
            status = "deleted"
        else:
            status = self.kinds.get(stage or "", "open")
        return State(
            status, stage, values.get("currency_code"),
            Decimal(values["amount"]) if "amount" in values else None,
            date.fromisoformat(values["expected_close_on"]) if "expected_close_on" in values else None,
            self.owners.get(owner or "", owner), account and self.speaking(account, day),
            self.segment(account, day), values.get("forecast_category"),
        )  # fmt: skip

    # What follows.

    def pipeline(self, day: date) -> dict[str, State]:
        """Open deals at the end of a day."""
        states = {}
        for deal, told in self.told.items():
            known = [one for one in told if one.day <= day]
            if known and (state := self._state(known, day)).is_open:
                states[deal] = state
        return states

    def events(self) -> list[Event]:
        return [event for deal in sorted(self.told) for event in self._events(deal)]

    def _events(self, deal: str) -> Iterator[Event]:
        told = self.told[deal]
        count = sum(one.is_first for one in told)
        if not count:
            return
        begun = told[0].day
        before = self._state(told[:count], begun)
        if before.is_open:
            yield Event(deal, begun, "created", None, before)
        for number in range(count, len(told)):
            one = told[number]
            after = self._state(told[: number + 1], one.day)
            if cause := cause_of(before, after, is_first_day=one.day == begun, field=one.field):
                yield Event(deal, one.day, cause, before, after)
            before = after

    def _rate(self, currency: str | None, day: date) -> float | None:
        """The latest rate known on a day."""
        if currency == "USD":
            return 1.0
        found = []
        for row in self.rates:
            known_at = _known_at(row)
            if max(known_at.date(), date.fromisoformat(row["rate_on"])) > day:
                continue
            pair = (row["from_currency_code"], row["to_currency_code"])
            if pair == (currency, "USD"):
                found.append((row["rate_on"], 1, known_at, row["source_id"], row["rate"]))
            elif pair == ("USD", currency):
                found.append((row["rate_on"], 0, known_at, row["source_id"], 1 / row["rate"]))
        return max(found)[-1] if found else None

    def reported(self, amount: Decimal | None, currency: str | None, day: date) -> Decimal | None:
        rate = self.rate(currency, day)
        if amount is None or rate is None:
            return None
        return Decimal(format(float(amount) * rate, ".15g")).quantize(CENT, ROUND_HALF_UP)
