"""Tax of random histories: entries, liabilities, rules and differences against a reckoning of their own."""

from collections import Counter
from datetime import date, timedelta
from decimal import Decimal

import pytest
from billing_histories import AS_OF, tax_histories
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from .reckoning import SIGNS, Entry, Place, TaxBooks

NO_HEALTH_CHECK = settings(suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
ENTRIES = (
    "select entry_kind, is_reversal, is_self_assessed, document_kind, document_id, line_id, customer_id, currency_code,"
    " country_code, region_code, tax_class, rule, tax_rate_id, occurred_on, net_amount, tax_amount"
    " from marts.fct_tax_entries"
)
MONTHS = (
    "select month_start_on, country_code, region_code, currency_code, opening_amount, output_amount, credit_amount,"
    " bad_debt_amount, input_amount, closing_amount from marts.tax_liability_monthly"
)
RULES = (
    "select document_kind, line_id, rule, rate, tax_rate_id, reverse_charge_rate from intermediate.int_tax_lines_rated"
)
# What the function says about a line, beside what the model says.
DISAGREEMENTS = """
select lines.line_id, lines.rule, lines.rate, said.*
from intermediate.int_tax_lines_rated as lines
left join lateral metrics.tax_rate(
    lines.country_code, lines.rated_on, lines.region_code, lines.tax_class, lines.customer_kind, lines.customer_id
) as said on true
where (lines.rule, lines.rate, lines.tax_rate_id, lines.tax_rate_name, lines.reverse_charge_rate,
       lines.tax_exemption_id)
    is distinct from
    (said.rule, said.rate, said.tax_rate_id, said.tax_rate_name, said.reverse_charge_rate, said.tax_exemption_id)
"""
DIFFERENCES = "select difference, document_kind, document_id, line_id, difference_amount from marts.tax_differences"


@st.composite
def odd_histories(draw):
    """Histories in which headers also differ from their lines, say nothing, or are corrected later."""
    rows = draw(tax_histories())
    numbers = iter(range(1000))
    for kind in ("invoice", "supplier_bill", "credit_note"):
        for row in rows.get(f"{kind}s", []):
            oddity = draw(st.sampled_from(["no", "no", "no", "other", "silent", "bare", "later"]))
            if oddity == "other":
                row["tax_amount"] = str(draw(st.integers(-500, 500)) / Decimal(100))
            elif oddity in ("silent", "bare"):
                row["tax_amount"] = None
                row["subtotal_amount"] = row["subtotal_amount"] if oddity == "bare" or kind == "credit_note" else None
            elif oddity == "later" and kind != "credit_note" and row["issued_on"]:
                day = date.fromisoformat(row["issued_on"]) + timedelta(draw(st.integers(-3, 200)))
                at = f"{max(day, date.fromisoformat(row['occurred_at'][:10]))}T12:00:00+00:00"
                rows.setdefault(f"{kind}_changes", []).append({
                    "source_name": "test", "source_id": f"Z{next(numbers)}", "occurred_at": at, "recorded_at": None,
                    "loaded_at": row["loaded_at"], f"{kind}_source_id": row["source_id"], "field_name": "tax_amount",
                    "old_value": row["tax_amount"], "new_value": draw(st.sampled_from(["1.23", "0.00", "250.00"])),
                })  # fmt: skip
    return rows


def _cents(amount: Decimal) -> int:
    return int(amount * 100)


def _found_entries(conn) -> Counter[Entry]:
    return Counter(
        Entry(*row[:8], Place(*row[8:10]), *row[10:14], _cents(row[14]), _cents(row[15]))
        for row in conn.execute(ENTRIES).fetchall()
    )


def _liabilities(entries: Counter[Entry]) -> dict[tuple, list[int]]:
    """Opening, output, credit, bad debt, input, closing by month and jurisdiction, from the entries."""
    firsts: dict[tuple, date] = {}
    for entry in entries.elements():
        key = (*entry.place, entry.currency)
        firsts[key] = min(entry.day.replace(day=1), firsts.get(key, date.max))
    found = {}
    for key, first in firsts.items():
        month = first
        while month <= AS_OF:
            end = (month + timedelta(days=31)).replace(day=1)
            own = [entry for entry in entries.elements() if (*entry.place, entry.currency) == key]
            parts = [
                sign * sum(entry.tax for entry in own if entry.kind == kind and month <= entry.day < end)
                for kind, sign in SIGNS.items()
            ]
            opening, closing = (sum(entry.tax for entry in own if entry.day < day) for day in (month, end))
            found[month, *key] = [opening, *parts, closing]
            month = end
    return found


def _differences(books: TaxBooks) -> Counter[tuple]:
    found: Counter[tuple] = Counter()
    for line in books.lines:
        document, ruling = line.document, books.rulings[line.document.kind, line.key]
        if not document.begins <= AS_OF < document.ends:
            continue
        is_bill_of_buyer = document.kind == "supplier_bill" and books.is_left_to_buyer(line)
        name = None
        if ruling.rate is not None or is_bill_of_buyer:
            rate = Decimal(0) if is_bill_of_buyer else ruling.rate
            exact = int((line.net * rate).quantize(Decimal(1), "ROUND_HALF_UP"))
            name = "rate" if abs(line.tax - exact) > 1 else None
        if ruling.rule == "none":
            exact = 0 if is_bill_of_buyer else None
            name = "reverse_charge_without_rate" if is_bill_of_buyer else "no_rate" if line.tax else None
            # A document that leaves the tax to the buyer, and charges some by no known rule.
            if line.tax and document.is_reverse_charge:
                name = "reverse_charge_without_rate"
        if name:
            key = f"test:{document.row['source_id']}"
            found[name, document.kind, key, line.key, None if exact is None else line.tax - exact] += 1
    for document in books.documents.values():
        count = sum(1 for line in books.lines if line.document is document and line.currency == document.currency)
        steps = [header for day, header in document.steps if day <= AS_OF]
        if not (count and steps and document.ends > AS_OF) or steps[-1] is None:
            continue
        rest = steps[-1] - books.lines_tax(document)
        if rest:
            found["header", document.kind, f"test:{document.row['source_id']}", None, rest] += 1
    return found


@pytest.mark.identity
@NO_HEALTH_CHECK
@given(rows=odd_histories())
def test_tax_adds_up_and_every_line_has_its_rule(models, rows):
    books = TaxBooks(rows, AS_OF)
    with models.filled(rows) as conn:
        entries = _found_entries(conn)
        assert entries == books.entries
        rules = {(kind, line): rest for kind, line, *rest in conn.execute(RULES)}
        assert rules == {
            key: [rule.rule, *(None if rate is None else float(rate) for rate in (rule.rate,)), rule.rate_id,
                  None if rule.owed_by_buyer is None else float(rule.owed_by_buyer)]
            for key, rule in books.rulings.items()
        }  # fmt: skip
        assert conn.execute(DISAGREEMENTS).fetchall() == []
        months = {tuple(row[:4]): [_cents(amount) for amount in row[4:]] for row in conn.execute(MONTHS)}
        assert months == _liabilities(books.entries)
        for opening, output, credit, bad_debt, deducted, closing in months.values():
            assert opening + output - credit - bad_debt - deducted == closing
        found = Counter((*row[:4], None if row[4] is None else _cents(row[4])) for row in conn.execute(DIFFERENCES))
        assert found == _differences(books)
    _check_sums(books, entries)


def _check_sums(books: TaxBooks, entries: Counter[Entry]) -> None:
    """The entries of a document are the tax its header states, or else its lines; of a voided one, nothing."""
    sums: Counter[tuple[str, str]] = Counter()
    for entry in entries.elements():
        if not entry.is_self_assessed:
            sums[entry.document_kind, entry.document] += SIGNS[entry.kind] * entry.tax
        else:
            sums["self-assessed", entry.document] += entry.tax
    for document in books.documents.values():
        key = f"test:{document.row['source_id']}"
        stated = [header for day, header in document.steps if day <= AS_OF]
        counts = document.begins <= AS_OF < document.ends
        tax = (stated[-1] if stated[-1] is not None else books.lines_tax(document)) if counts else 0
        assert sums[document.kind, key] == tax
        assert sums["self-assessed", key] == 0
