"""Random invoices as elsewhere, and what matters to revenue only: ends of service, corrections, bare credits."""

from datetime import date, timedelta
from decimal import Decimal

from billing_histories import invoice_histories
from billing_rows import FIRST, LAST, LOADED_AT, SOURCE, Dice, History, Rows
from hypothesis import strategies as st

METHODS = ("straight_line", "point_in_time", "usage", "milestone", None)


@st.composite
def revenue_histories(draw: st.DrawFn) -> Rows:
    """Credits may exceed what they credit, milestones what they are part of."""
    rows = draw(invoice_histories(customers=2))
    dice, history = Dice(draw), History()
    history.rows = rows
    lines = list(rows.get("invoice_lines", []))
    for line in lines:
        event = dice.pick(("none", "none", "none", "end", "price", "correct", "milestone"))
        if event == "end":
            _end_service(dice, history, line)
        elif event == "price" and line["recognition_method"] is None:
            _price(dice, history, line)
        elif event == "correct":
            _correct(dice, history, line, lines)
        elif event == "milestone" and line["recognition_method"] == "milestone":
            _add_milestone(dice, history, line)
    for invoice in list(rows.get("invoices", [])):
        if dice.once_in(4):
            _credit(dice, history, invoice, lines)
    return rows


def _on(row: dict[str, object], dice: Dice) -> date:
    return date.fromisoformat(str(row["occurred_at"])[:10]) + timedelta(days=dice.number(0, 120))


def _end_service(dice: Dice, history: History, line: dict[str, object]) -> None:
    """The subscription or the item ends; sometimes it goes on after all."""
    item, whole = history.key("I"), history.key("S")
    day = _on(line, dice)
    by_item, has_history, goes_on = dice.once_in(2), dice.once_in(2), dice.once_in(5)
    shown = None if has_history or goes_on else day
    line["subscription_item_source_id"] = item
    history.add("subscriptions", whole, FIRST, dice, late=False, billing_customer_source_id="C001",
                ended_at=history.at(shown) if shown and not by_item else None)  # fmt: skip
    history.add("subscription_items", item, FIRST, dice, late=False, subscription_source_id=whole,
                ended_on=shown if by_item else None)  # fmt: skip
    values = [(day, day)] * has_history + [(day + timedelta(days=dice.number(1, 30)), None)] * goes_on
    for on, end in values:
        text = end and (end.isoformat() if by_item else history.at(end))
        history.add("subscription_changes", history.key("G"), on, dice, subscription_source_id=whole,
                    subscription_item_source_id=item if by_item else None, old_value=None, new_value=text,
                    field_name="ended_on" if by_item else "ended_at")  # fmt: skip


def _price(dice: Dice, history: History, line: dict[str, object]) -> None:
    key = history.key("PR")
    line["price_source_id"] = key
    history.add("prices", key, FIRST, dice, late=False, recognition_method=dice.pick(METHODS))
    if dice.once_in(2):
        history.add("price_changes", history.key("PH"), dice.day(FIRST, LAST), dice, price_source_id=key,
                    field_name="recognition_method", old_value=None, new_value=dice.pick(METHODS))  # fmt: skip


def _correct(dice: Dice, history: History, line: dict[str, object], lines: list[dict[str, object]]) -> None:
    """A line of this invoice or of another takes back some of it, or adds to it, without a period of its own."""
    part = Decimal(str(line["amount"])) * Decimal(dice.pick(("-1", "-0.5", "-1.5", "0.25")))
    copy = {name: value for name, value in line.items() if name not in ("amount", "tax_amount")}
    copy.update(
        source_id=history.key("LC"), corrected_line_source_id=line["source_id"], line_type="credit",
        amount=str(part.quantize(Decimal("0.01"))), tax_amount="0.00", service_started_on=None, service_ended_on=None,
        invoice_source_id=dice.pick(lines)["invoice_source_id"],
    )  # fmt: skip
    history.rows["invoice_lines"].append(copy)


def _add_milestone(dice: Dice, history: History, line: dict[str, object]) -> None:
    day = _on(line, dice)
    history.add("revenue_milestones", history.key("MM"), FIRST, dice, late=False,
                invoice_line_source_id=line["source_id"], name="step", planned_on=dice.pick((day, None, LAST)),
                completed_on=dice.pick((None, day)), share_rate=dice.pick((0.3333, 0.9, 0.0)), amount=None,
                observed_at=None)  # fmt: skip


def _credit(dice: Dice, history: History, invoice: dict[str, object], lines: list[dict[str, object]]) -> None:
    """A credit note on the invoice as a whole, without lines or with one that names none, or on a line of any kind."""
    day, key = _on(invoice, dice), history.key("KW")
    amount = dice.pick(("10.00", "0.05", "33.34", "5000.00"))
    status = dice.pick(("open", "void"))
    history.rows.setdefault("credit_notes", []).append({
        "source_name": SOURCE, "source_id": key, "occurred_at": history.at(day), "recorded_at": None,
        "loaded_at": LOADED_AT, "deleted_at": None, "observed_at": None,
        "billing_customer_source_id": dice.pick((invoice["billing_customer_source_id"], None)),
        "invoice_source_id": dice.pick((invoice["source_id"], None)), "status": status,
        "currency_code": dice.pick((invoice["currency_code"], "EUR")), "issued_on": dice.pick((day.isoformat(), None)),
        "subtotal_amount": amount, "tax_amount": "0.00", "total_amount": amount,
        "voided_at": history.at(day + timedelta(days=dice.number(0, 60))) if status == "void" else None,
    })  # fmt: skip
    kind = dice.pick(("none", "plain", "period", "line"))
    if kind != "none":
        period = kind == "period"
        history.add("credit_note_lines", history.key("KX"), day, dice, late=False, credit_note_source_id=key,
                    invoice_line_source_id=dice.pick(lines)["source_id"] if kind == "line" and lines else None,
                    amount=amount, tax_amount="0.00", currency_code=None,
                    service_started_on=day if period else None,
                    service_ended_on=day + timedelta(days=45) if period else None)  # fmt: skip
