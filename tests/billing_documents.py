"""Random documents: tax rates, exemptions, and invoices with lines, prorations and milestones."""

from dataclasses import dataclass, field
from datetime import date, timedelta
from decimal import ROUND_HALF_UP, Decimal

from billing_rows import CURRENCIES, FIRST, LAST, Dice, History, Tracked, known_at

CENT = Decimal("0.01")
AMOUNTS = ("100.00", "0.01", "33.33", "1200.00", "99.99", "0.00", "7.07")
TAX_CLASSES = ("standard", "reduced", None, "digital")
#: Country, region, class, kind of customer, rate, reverse charge, valid from, valid to.
PLAIN_RATES = (("DE", None, None, None, 0.19, False, date(2020, 1, 1), None),)
RATES = (
    ("DE", None, None, None, 0.19, False, date(2020, 1, 1), date(2024, 7, 1)),
    ("DE", None, None, None, 0.2, False, date(2024, 7, 1), None),
    ("DE", None, "reduced", None, 0.07, False, date(2020, 1, 1), None),
    ("GB", None, None, None, 0.2, False, date(2020, 1, 1), None),
    ("GB", None, None, "business", 0.0, True, date(2020, 1, 1), None),
    ("US", "CA", None, None, 0.0725, False, date(2020, 1, 1), date(2024, 4, 1)),
    ("US", "CA", None, None, 0.08875, False, date(2024, 4, 1), None),
    ("US", "CA", "digital", None, 0.0, False, date(2020, 1, 1), None),
    ("FR", None, "digital", "consumer", 0.055, False, date(2024, 1, 1), date(2024, 10, 1)),
)
#: What documents charge, by country: number of the rate and the rate as text, blind to dates and exemptions.
CHARGED = {"DE": ("R0", "0.19"), "DE reduced": ("R2", "0.07"), "GB": ("R3", "0.2"), "US": ("R5", "0.0725")}
PLACES = (("DE", None), ("US", "CA"), ("GB", None), ("FR", None), ("US", "TX"), (None, None))


def cents(value: Decimal) -> Decimal:
    return value.quantize(CENT, ROUND_HALF_UP)


def add_taxes(dice: Dice, history: History, customers: list[str], *, plain: bool) -> None:
    """Rates (all known before FIRST but for late ones) and exemptions; plain is one rate for one country."""
    for number, row in enumerate(PLAIN_RATES if plain else RATES):
        country, region, tax_class, kind, rate, is_reverse_charge, valid_from, valid_to = row
        history.add("tax_rates", f"R{number}", max(FIRST, valid_from), dice, late=not plain, name=f"rate {number}",
                    country_code=country, region_code=region, tax_class=tax_class, customer_kind=kind, rate=rate,
                    is_reverse_charge=is_reverse_charge, valid_from=valid_from, valid_to=valid_to)  # fmt: skip
    for customer in customers if not plain else ():
        if dice.once_in(4):
            country, region = dice.pick(PLACES)
            start = dice.pick((None, FIRST, date(2024, 6, 1)))
            end = dice.pick((None, date(2024, 12, 1)))
            history.add("tax_exemptions", history.key("E"), FIRST, dice, billing_customer_source_id=customer,
                        country_code=country, region_code=region, tax_class=dice.pick(TAX_CLASSES[1:]),
                        certificate_number="X1", valid_from=start, valid_to=end)  # fmt: skip


@dataclass
class Line:
    """What of a line can still be credited, net and tax."""

    key: str
    amount: Decimal
    tax: Decimal
    columns: dict[str, object]


@dataclass
class Invoice:
    """An invoice under way: what is still open of it, counting every row that reduces it."""

    thing: Tracked
    customer: str
    currency: str
    issued_on: date
    lines: list[Line] = field(default_factory=list)
    open: Decimal = Decimal(0)
    written_off: Decimal = Decimal(0)

    @property
    def known(self) -> str:
        return known_at(self.thing.row)


def add_invoice(dice: Dice, history: History, customer: str) -> Invoice | None:
    """An invoice with its lines; None for those that nothing may settle: drafts, voided and deleted ones."""
    issued = dice.day(FIRST, LAST - timedelta(days=60))
    fate = dice.pick(("open", "open", "open", "draft", "void", "deleted"))
    country, region = dice.pick(PLACES)
    is_reverse_charge = dice.once_in(6)
    currency, key = dice.pick(CURRENCIES), history.key("N")
    lines = _make_lines(dice, history, key, currency, issued, country, is_reverse_charge)
    subtotal = sum((line.amount for line in lines), Decimal(0))
    tax = sum((line.tax for line in lines), Decimal(0))
    thing = Tracked(
        history, "invoices", key, issued, dice, billing_customer_source_id=customer, subscription_source_id=None,
        status="draft" if fate == "draft" else "open", currency_code=currency, subtotal_amount=str(subtotal),
        tax_amount=str(tax), total_amount=str(subtotal + tax), issued_on=None if fate == "draft" else issued,
        due_on=dice.pick((issued + timedelta(days=30), issued, None)), settled_on=None, voided_at=None,
        is_disputed=None, country_code=country, region_code=region, is_reverse_charge=is_reverse_charge,
    )  # fmt: skip
    if fate == "void":
        day = issued + timedelta(days=dice.number(0, 60))
        thing.change("status", "void", day)
        thing.change("voided_at", history.at(day), day)
    elif dice.once_in(6):
        thing.change("is_disputed", True, issued + timedelta(days=dice.number(1, 60)))
    elif fate == "open" and dice.once_in(6):  # put off
        thing.change("due_on", issued + timedelta(days=90), issued + timedelta(days=dice.number(0, 40)))
    deleted = history.at(issued + timedelta(days=dice.number(1, 300))) if fate == "deleted" else history.at(LAST)
    thing.close(deleted=deleted if fate == "deleted" or dice.once_in(12) else None, invoice_number=key)
    for line in lines:
        _write_line(dice, history, thing, line)
    if fate != "open":
        return None
    return Invoice(thing, customer, currency, issued, [line for line in lines if line.amount > 0], subtotal + tax)


def _make_lines(
    dice: Dice, history: History, invoice: str, currency: str, issued: date, country: str | None, is_reverse: bool
) -> list[Line]:
    """One to three lines, some corrected by a proration: the rest of a line taken back, a dearer one instead."""
    lines: list[Line] = []
    for _ in range(dice.number(1, 3)):
        line = _make_line(dice, history, invoice, currency, issued, country, is_reverse)
        lines.append(line)
        start, end = line.columns["service_started_on"], line.columns["service_ended_on"]
        is_spread = line.columns["recognition_method"] == "straight_line" and line.amount > 0
        if is_spread and isinstance(start, date) and isinstance(end, date) and start < end and dice.once_in(3):
            lines += _prorate(dice, history, line, start, end)
    return lines


def _make_line(
    dice: Dice, history: History, invoice: str, currency: str, issued: date, country: str | None, is_reverse: bool
) -> Line:
    method = dice.pick(("straight_line", "point_in_time", "usage", "milestone", None))
    start: date | None = None
    end: date | None = None
    if method in ("straight_line", None):
        start = issued + timedelta(days=dice.pick((0, -20, 15)))
        end = start + timedelta(days=dice.pick((30, 1, 31, 365, 91, 0)))
        if dice.once_in(10):
            start = end = None
    elif method == "usage":
        start, end = issued - timedelta(days=31), issued
    amount = Decimal(dice.pick(AMOUNTS)) * (-1 if dice.once_in(12) else 1)
    tax_class = dice.pick(TAX_CLASSES)
    number, rate = CHARGED.get("DE reduced" if (country, tax_class) == ("DE", "reduced") else str(country), (None, "0"))
    listed = [row["source_id"] for row in history.rows["tax_rates"] if row["source_id"] == number]
    tax = Decimal(0) if is_reverse else cents(amount * Decimal(rate))
    return Line(
        history.key("L"), amount, tax,
        {
            "invoice_source_id": invoice, "subscription_item_source_id": None,
            "product_source_id": dice.pick((None, "P1")), "price_source_id": None,
            "tax_rate_source_id": dice.pick((*listed, None)) if tax else None, "corrected_line_source_id": None,
            "line_type": "charge" if amount >= 0 else "credit", "description": None, "quantity": "1",
            "unit_amount": None, "discount_amount": None, "currency_code": dice.pick((currency, None)),
            "service_started_on": start, "service_ended_on": end, "recognition_method": method,
            "recognised_on": issued + timedelta(days=dice.pick((0, 5, -3))) if method == "point_in_time" else None,
            "tax_class": tax_class, "is_proration": False,
        },
    )  # fmt: skip


def _prorate(dice: Dice, history: History, line: Line, start: date, end: date) -> list[Line]:
    day = start + timedelta(days=dice.number(0, (end - start).days - 1))
    rest = Decimal((end - day).days) / Decimal((end - start).days)
    taken, dearer = cents(line.amount * rest), cents(line.amount * rest * Decimal("1.5"))
    taken_tax = cents(line.tax * rest)
    back = {**line.columns, "corrected_line_source_id": line.key, "line_type": "proration", "is_proration": True,
            "service_started_on": day}  # fmt: skip
    line_back = Line(history.key("L"), -taken, -taken_tax, back)
    line_new = Line(history.key("L"), dearer, cents(taken_tax * Decimal("1.5")),
                    {**back, "corrected_line_source_id": None})  # fmt: skip
    return [line_back, line_new]


def _write_line(dice: Dice, history: History, thing: Tracked, line: Line) -> None:
    deleted = thing.row["deleted_at"]
    day = thing.day
    history.add("invoice_lines", line.key, day, dice, late=False, not_before=known_at(thing.row),
                deleted=str(deleted) if deleted else None, amount=str(line.amount), tax_amount=str(line.tax),
                **line.columns)  # fmt: skip
    if line.columns["recognition_method"] != "milestone" or line.columns["is_proration"]:
        return
    shares = dice.pick((("1",), ("0.3", "0.7"), ("0.25", "0.25", "0.5"), ("0.5",)))
    is_money, left = dice.once_in(2), line.amount
    for share in shares:
        part = left if share == shares[-1] and len(shares) > 1 else cents(line.amount * Decimal(share))
        left -= part
        planned = day + timedelta(days=dice.number(0, 200))
        done = planned + timedelta(days=dice.number(0, 90)) if not dice.once_in(4) else None
        history.add("revenue_milestones", history.key("M"), day, dice, late=False, not_before=known_at(thing.row),
                    invoice_line_source_id=line.key, name="step", planned_on=planned, completed_on=done,
                    share_rate=None if is_money else float(share), amount=str(part) if is_money else None,
                    observed_at=None)  # fmt: skip
