"""Random settlements: payments, credit notes, refunds and write-offs of invoices; supplier bills and payments."""

from datetime import date, timedelta
from decimal import Decimal

from billing_documents import AMOUNTS, PLACES, Invoice, add_invoice, cents
from billing_rows import CURRENCIES, FIRST, LAST, Dice, History, Tracked, known_at


def add_invoicing(dice: Dice, history: History, customers: list[str]) -> None:
    for customer in customers:
        invoices = [add_invoice(dice, history, customer) for _ in range(dice.number(1, 3))]
        alive = [invoice for invoice in invoices if invoice is not None]
        for _ in range(dice.number(0, 5)):
            if alive:
                settle = dice.pick((_pay, _credit, _write_off, _pay))
                settle(dice, history, dice.pick(alive), alive)


def _part(dice: Dice, amount: Decimal) -> Decimal:
    """All of an amount, or some of it."""
    return dice.pick((amount, cents(amount / 2), cents(amount / 3)))


def _pay(dice: Dice, history: History, invoice: Invoice, others: list[Invoice]) -> None:
    """A payment of one invoice or of several, in part or in full, sometimes too much, sometimes failing."""
    day = min(invoice.issued_on + timedelta(days=dice.number(-5 if dice.once_in(8) else 0, 150)), LAST)
    same = [invoice] + [other for other in others if other is not invoice and other.currency == invoice.currency]
    parts = [(paid, _part(dice, paid.open)) for paid in same[: dice.pick((1, 2))] if paid.open > 0]
    extra = dice.pick((Decimal(0), Decimal("10.00")))
    amount = sum((part for _, part in parts), extra)
    if not amount:
        return
    status = dice.pick(("succeeded", "pending", "failed", "returned"))
    thing = Tracked(
        history, "payments", history.key("Y"), day, dice, not_before=max(paid.known for paid in same),
        billing_customer_source_id=invoice.customer, invoice_source_id=dice.pick((invoice.thing.key, None)),
        status="succeeded" if status == "returned" else status, currency_code=invoice.currency, amount=str(amount),
        fee_amount="0.30", payment_method="card", attempt_number=1,
        failure_code="declined" if status == "failed" else None, settled_on=day if status == "succeeded" else None,
    )  # fmt: skip
    if status == "pending":
        later = min(day + timedelta(days=dice.number(1, 10)), LAST)
        thing.change("status", "succeeded", later)
        thing.change("settled_on", later, later)
    elif status == "returned":
        thing.change("status", "failed", day + timedelta(days=dice.number(1, 40)))
    thing.close(deleted=None)
    if status == "failed":
        return
    for paid, part in parts:
        _allocate(dice, history, "payment", thing, paid, part, day)
    if extra and dice.once_in(2):
        _refund(dice, history, thing.key, None, extra, invoice.currency, day, known_at(thing.row))


def _allocate(
    dice: Dice, history: History, kind: str, thing: Tracked, invoice: Invoice, amount: Decimal, day: date
) -> None:
    """Settle a part of an invoice; some of it is taken back later and, of a payment, returned to the customer."""
    if not amount:
        return
    known = max(known_at(thing.row), invoice.known)
    columns = {f"{kind}_source_id": thing.key, "invoice_source_id": invoice.thing.key,
               "currency_code": dice.pick((invoice.currency, None))}  # fmt: skip
    history.add(f"{kind}_allocations", history.key("X"), day, dice, not_before=known, amount=str(amount), **columns)
    invoice.open -= amount
    if dice.once_in(6):
        later = min(day + timedelta(days=dice.number(1, 60)), LAST)
        row = history.add(f"{kind}_allocations", history.key("X"), later, dice, not_before=known, amount=str(-amount),
                          **columns)  # fmt: skip
        keys = (thing.key, None) if kind == "payment" else (None, thing.key)
        _refund(dice, history, *keys, amount, invoice.currency, later, known_at(row))


def _refund(
    dice: Dice, history: History, payment: str | None, note: str | None, amount: Decimal, currency: str, day: date,
    known: str,
) -> None:  # fmt: skip
    history.add("refunds", history.key("F"), day, dice, not_before=known, payment_source_id=payment,
                credit_note_source_id=note, amount=str(amount), currency_code=currency, reason="returned")  # fmt: skip


def _credit(dice: Dice, history: History, invoice: Invoice, others: list[Invoice]) -> None:
    """A credit note on lines of an invoice, applied to it as far as it is open; the rest is given back or stays."""
    day = min(invoice.issued_on + timedelta(days=dice.number(0, 200)), LAST)
    key, fate = history.key("K"), dice.pick(("applied", "open", "void", "draft"))
    parts = []
    for line in invoice.lines[: dice.number(1, 3)]:
        net = _part(dice, line.amount)
        if net > 0:
            tax = line.tax if net == line.amount else min(cents(line.tax * net / line.amount), line.tax)
            line.amount, line.tax = line.amount - net, line.tax - tax
            parts.append((line, net, tax))
    if not parts:
        return
    net, tax = sum(part[1] for part in parts), sum(part[2] for part in parts)
    row = history.add(
        "credit_notes", key, day, dice, not_before=invoice.known, billing_customer_source_id=invoice.customer,
        invoice_source_id=dice.pick((invoice.thing.key, None)), credit_note_number=key, status=fate,
        currency_code=invoice.currency, subtotal_amount=str(net), tax_amount=str(tax), total_amount=str(net + tax),
        issued_on=day, voided_at=history.at(min(day + timedelta(days=dice.number(1, 40)), LAST))
        if fate == "void" else None,
        reason="goodwill", observed_at=None,
    )  # fmt: skip
    for line, part, part_tax in parts:
        columns = {name: line.columns[name] for name in ("tax_rate_source_id", "tax_class", "currency_code")}
        history.add("credit_note_lines", history.key("KL"), day, dice, late=False, not_before=known_at(row),
                    credit_note_source_id=key, invoice_line_source_id=line.key, description=None, quantity=None,
                    amount=str(part), tax_amount=str(part_tax), service_started_on=None, service_ended_on=None,
                    **columns)  # fmt: skip
    if fate == "applied":
        _apply(dice, history, key, row, invoice, Decimal(net + tax), day)


def _apply(
    dice: Dice, history: History, key: str, row: dict[str, object], invoice: Invoice, total: Decimal, day: date
) -> None:
    amount = min(total, invoice.open)
    if amount > 0:
        invoice.open -= amount
        history.add("credit_note_allocations", history.key("X"), day, dice, not_before=known_at(row),
                    credit_note_source_id=key, invoice_source_id=invoice.thing.key, amount=str(amount),
                    currency_code=invoice.currency)  # fmt: skip
    rest = total - max(amount, Decimal(0))
    if rest > 0 and dice.once_in(2):
        _refund(dice, history, None, key, rest, invoice.currency, day, known_at(row))


def _write_off(dice: Dice, history: History, invoice: Invoice, others: list[Invoice]) -> None:
    """Given up in part or whole; what comes in after all is recovered by a negative row."""
    amount = _part(dice, invoice.open)
    if amount <= 0:
        return
    day = min(invoice.issued_on + timedelta(days=dice.number(30, 250)), LAST)
    steps = [(day, amount)]
    if dice.once_in(4):
        steps.append((min(day + timedelta(days=30), LAST), -_part(dice, amount)))
    known = invoice.known
    for on, part in steps:
        row = history.add("write_offs", history.key("W"), on, dice, not_before=known, written_off_on=on,
                          amount=str(part), invoice_source_id=invoice.thing.key,
                          tax_amount=dice.pick((None, str(cents(part / 10)))),
                          currency_code=dice.pick((invoice.currency, None)), reason="insolvent")  # fmt: skip
        known = known_at(row)
        invoice.open -= part


def add_payables(dice: Dice, history: History) -> None:
    """Supplier bills with lines and payments, which never exceed the bill."""
    for _ in range(dice.number(0, 2)):
        supplier = history.key("U")
        country, region = dice.pick(PLACES)
        history.add("suppliers", supplier, FIRST, dice, name=supplier, country_code=country, region_code=region,
                    tax_number=None, observed_at=None)  # fmt: skip
        for _ in range(dice.number(1, 2)):
            _add_bill(dice, history, supplier, country, region)


def _add_bill(dice: Dice, history: History, supplier: str, country: str | None, region: str | None) -> None:
    issued, currency, is_reverse = dice.day(FIRST, LAST - timedelta(days=60)), dice.pick(CURRENCIES), dice.once_in(4)
    nets = [Decimal(dice.pick(AMOUNTS)) for _ in range(dice.number(1, 2))]
    rate = Decimal("0.19") if country == "DE" and not is_reverse else Decimal(0)
    taxes = [cents(net * rate) for net in nets]
    total, status = sum(nets) + sum(taxes), dice.pick(("open", "void", "draft"))
    bill = Tracked(
        history, "supplier_bills", history.key("B"), issued, dice, supplier_source_id=supplier,
        status="draft" if status == "draft" else "open", currency_code=currency, subtotal_amount=str(sum(nets)),
        tax_amount=str(sum(taxes)), total_amount=str(total), issued_on=issued,
        due_on=dice.pick((issued + timedelta(days=30), None)), voided_at=None, category="hosting",
        country_code=country, region_code=region, is_reverse_charge=is_reverse,
    )  # fmt: skip
    if status == "void":
        day = issued + timedelta(days=dice.number(0, 40))
        bill.change("status", "void", day)
        bill.change("voided_at", history.at(day), day)
    bill.close(bill_number=bill.key)
    for net, tax in zip(nets, taxes, strict=True):
        history.add("supplier_bill_lines", history.key("BL"), issued, dice, late=False, not_before=known_at(bill.row),
                    supplier_bill_source_id=bill.key, description=None, category="hosting", amount=str(net),
                    tax_amount=str(tax), tax_rate_source_id="R0" if tax else None, tax_class="standard",
                    currency_code=currency)  # fmt: skip
    left = Decimal(total)
    for _ in range(dice.number(0, 2) if status == "open" else 0):
        part, day = _part(dice, left), min(issued + timedelta(days=dice.number(0, 120)), LAST)
        if part <= 0:
            return
        for amount in (part, -part) if dice.once_in(6) else (part,):  # some are taken back
            history.add("supplier_payments", history.key("Z"), day, dice, not_before=known_at(bill.row),
                        supplier_bill_source_id=bill.key, amount=str(amount), currency_code=currency,
                        payment_method="transfer")  # fmt: skip
            left -= amount
