"""Rows that late payment is learnt from: what the cutoff knew, of invoices before their first settlement."""

from datetime import date

import numpy as np

from revlayer_training.invoices import load_invoices

MONTHS = [date(2025, 1, 31), date(2025, 2, 28), date(2025, 3, 31)]


def _fill(database, settlements):
    with database.connect() as conn:
        conn.execute(
            "create table features.ftr_invoices (invoice_id text, as_of_date date, segment_id text,"
            " days_past_due double precision)"
        )
        conn.execute(
            "create table features.lbl_invoices (invoice_id text, is_paid boolean, settled_on date,"
            " settled_known_on date)"
        )
        for name, days in settlements.items():
            for day in MONTHS:
                conn.execute("insert into features.ftr_invoices values (%s, %s, 'USD', 3)", [name, day])
            if days:
                conn.execute("insert into features.lbl_invoices values (%s, true, %s, %s)", [name, *days])
        conn.execute("grant select on all tables in schema features to revlayer_scorer")
        conn.commit()


def test_rows_are_what_the_cutoff_knew(database):
    _fill(database, {
        "open": None,
        # Settled in February, and open again in March: its money went back.
        "again": (date(2025, 2, 10), date(2025, 2, 12)),
        "later": (date(2025, 4, 2), date(2025, 4, 3)),
    })  # fmt: skip
    with database.connect("scorer") as conn:
        then, now = load_invoices(conn, MONTHS[-1]), load_invoices(conn, date(2025, 4, 30))
    for found in (then, now):
        names, counts = np.unique(found.entity, return_counts=True)
        assert len(names) == 3 and sorted(counts) == [1, 3, 3]
    assert then.is_paid.sum() == 1 and now.is_paid.sum() == 4
    assert (np.isnat(then.settled_on) == ~then.is_paid).all()
    assert (now.settled_known_on[now.is_paid] > now.as_of[now.is_paid]).all()
