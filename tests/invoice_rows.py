"""A company whose payers pay by laws that are known: its open invoices at ends of months, as training reads them."""

from datetime import date

import numpy as np
import pyarrow as pa

from revlayer_training.invoices import InvoiceDataset, from_arrow

END = date(2025, 12, 31)
NUMBERS = ("days_past_due", "age_days", "payment_terms_days", "log_amount", "payer_late_rate", "payer_days_past_due",
           "payer_spread_days")  # fmt: skip
TERMS, PRIOR, EARLIER = 30, 2, 12


def open_invoices(
    count: int = 3_000, payers: int = 60, months: int = 18, seed: int = 1, scale: float = 4.0, spread: float = 12.0
) -> pa.Table:
    """Return rows as ``training_rows`` selects them: invoices open at the ends of ``months``, the last of them END.

    Args:
        count: invoices of these months; as many a month were issued in the year before, so that payers have records.
        scale: of every payer's law of payment days.
        spread: standard deviation of its location, around 0, between payers.
    """
    rng = np.random.default_rng(seed)
    whole = months + EARLIER
    count = count * whole // months
    ends = np.arange(np.datetime64("2025-12") - months + 1, np.datetime64("2026-01")).astype("M8[D]") + 31
    ends = ends.astype("M8[M]").astype("M8[D]") - 1
    payer = rng.integers(0, payers, count)
    location = rng.normal(0, spread, payers)[payer]
    first = np.datetime64("2025-12-31") - whole * 30
    issued = first + rng.integers(0, whole * 30, count)
    delay = np.ceil(np.maximum(location + scale * rng.logistic(size=count), 1 - TERMS)).astype(int)
    paid = issued + TERMS + delay
    amount = np.exp(rng.normal(6, 1, count)).round(2)
    parts = [_at(day, issued, paid, payer, delay, amount) for day in ends]
    columns = {name: np.concatenate([part[name] for part in parts]) for name in parts[0]}
    arrays = {name: pa.array(values) for name, values in columns.items() if name not in ("settled_on", "as_of_date")}
    known = columns["settled_on"] <= np.datetime64(END)
    settled = pa.array(columns["settled_on"], pa.date32(), mask=~known)
    return pa.table(arrays | {
        "as_of_date": pa.array(columns["as_of_date"], pa.date32()), "is_paid": pa.array(known), "settled_on": settled,
        "settled_known_on": settled, "segment_id": pa.array(["USD"] * len(known)),
    })  # fmt: skip


def data(**wanted: float) -> InvoiceDataset:
    """Return the same as a dataset."""
    return from_arrow(open_invoices(**wanted), NUMBERS)


def _at(day, issued, paid, payer, delay, amount) -> dict[str, np.ndarray]:
    is_open, known = (issued <= day) & (paid > day), paid <= day
    size = payer.max() + 1
    of_all = [float(values[known].mean()) if known.any() else 0.0 for values in (delay > 0, delay, delay**2)]
    counts = np.bincount(payer[known], minlength=size) + PRIOR
    late, mean, square = (
        ((np.bincount(payer[known], values[known], minlength=size) + PRIOR * of) / counts)[payer][is_open]
        for values, of in zip((delay > 0, delay, delay**2), of_all, strict=True)
    )
    age = (day - issued[is_open]).astype(np.float64)
    return {
        "invoice_id": np.array([f"i{number:06d}" for number in np.flatnonzero(is_open)]),
        "as_of_date": np.full(int(is_open.sum()), day), "settled_on": paid[is_open],
        "days_past_due": age - TERMS, "age_days": age, "payment_terms_days": np.full(len(age), float(TERMS)),
        "log_amount": np.log1p(amount[is_open]), "payer_late_rate": late, "payer_days_past_due": mean,
        "payer_spread_days": np.sqrt(np.maximum(square - mean**2, 0)),
    }  # fmt: skip
