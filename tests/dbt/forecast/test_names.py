"""Names that people mistyped are listed, whatever they are of; those the data know are not."""

from datetime import date

from .conftest import records

KNOWN = [
    {"name_kind": kind, "name": name}
    for kind, name in (("segment", "(all)"), ("segment", "A"), ("owner", "o1"), ("team", "sales/north/one"))
]
JULY, AUGUST = date(2024, 7, 1), date(2024, 8, 1)


def aimed(month=JULY, amount=5, at="2024-06-01", **whose):
    return {"month_start_on": month, "target_amount": amount, "currency_code": "USD", "stated_at": at,
            "segment_id": "(all)", **whose}  # fmt: skip


def said(**whose):
    return {"category": "commit", "period_start_on": JULY, "amount": 1, "currency_code": "USD", "author": "ann",
            "submitted_at": "2024-06-01", **whose}  # fmt: skip


def unknown(published, targets=(), submissions=()):
    tables = {"planning__targets": targets, "planning__forecast_submissions": submissions}
    with published(marts__known_names=KNOWN, **tables) as conn:
        rows = records(conn, "select * from marts.unknown_names order by used_in desc, name_kind, name")
    return [tuple(row.values()) for row in rows]


def test_known_names_are_not_listed(published):
    whose = [{}, {"segment_id": "A"}, {"owner_id": "o1"}]
    teams = [{"team_path": "sales/north/one"}, {"team_path": "sales/north"}, {"team_path": "sales"}]
    assert unknown(published, [aimed(**one) for one in whose + teams], [said(**one) for one in whose + teams]) == []


def test_unknown_names_are_listed_with_what_names_them(published):
    targets = [
        aimed(segment_id="Nowhere"), aimed(AUGUST, segment_id="Nowhere"), aimed(segment_id="(ALL)"),
        aimed(owner_id="U-none"), aimed(team_path="sales/nor"),
    ]  # fmt: skip
    assert unknown(published, targets, [said(owner_id="o2"), said(segment_id="a")]) == [
        ("targets", "owner", "U-none", 1, JULY, JULY),
        ("targets", "segment", "(ALL)", 1, JULY, JULY),
        ("targets", "segment", "Nowhere", 2, JULY, AUGUST),
        ("targets", "team", "sales/nor", 1, JULY, JULY),
        ("submissions", "owner", "o2", 1, JULY, JULY),
        ("submissions", "segment", "a", 1, JULY, JULY),
    ]


def test_zero_takes_a_mistake_back(published):
    wrong = [aimed(segment_id="Nowhere"), aimed(segment_id="Nowhere", amount=0, at="2024-06-02")]
    assert (
        unknown(published, wrong, [said(owner_id="o2"), said(owner_id="o2", amount=0, submitted_at="2024-06-02")]) == []
    )
    assert len(unknown(published, [wrong[0], wrong[1] | {"stated_at": "2024-12-01"}])) == 1  # not known yet
