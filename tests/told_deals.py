"""Histories of deals written down by hand, each with one thing that features must get right."""

from hand_made_source import Source


def history(source: Source, key: str, created: str, amount: str | None = "1000", currency: str = "USD") -> None:
    """A deal with owner, account and product from its first day, in the first stage."""
    source.deal(key, created)
    for name, value in [("stage", "S1"), ("owner", "O1"), ("account", "A1"), ("product", "P1"),
                        ("currency_code", currency), ("amount", amount)]:  # fmt: skip
        if value is not None:
            source.change("deal", key, name, value, created)


def tell(source: Source, as_of: str) -> None:
    """All histories, as seen on the as-of date."""
    source.stages()
    for table, key in [("accounts", "A1"), ("accounts", "A2"), ("owners", "O1"), ("products", "P1")]:
        source.add(table, key, occurred_at="2023-01-01", observed_at=as_of)
    source.change("account", "A1", "segment", "SMB", "2023-01-01")
    source.change("account", "A1", "region", "EMEA", "2023-01-01")
    source.change("account", "A1", "segment", "Enterprise", "2024-05-10")
    source.change("product", "P1", "list_price_amount", "100", "2023-01-01")
    source.change("product", "P1", "currency_code", "USD", "2023-01-01")
    source.rate("EUR", "USD", 1.1, "2024-01-01")
    source.rate("EUR", "USD", 1.2, "2024-06-01")
    source.rate("EUR", "USD", 9.9, "2024-04-15", known="2024-05-15")
    source.rate("USD", "GBP", 0.8, "2024-01-01")

    history(source, "late", "2024-03-01")
    source.change("deal", "late", "stage", "S2", "2024-03-20", known="2024-04-10")

    history(source, "older", "2024-03-01")
    source.change("deal", "older", "amount", "3000", "2024-03-20")
    source.change("deal", "older", "amount", "2000", "2024-03-10", known="2024-04-10")

    history(source, "reopened", "2024-03-01")
    source.change("deal", "reopened", "stage", "L", "2024-03-20")
    source.change("deal", "reopened", "stage", "S1", "2024-04-10")
    source.change("deal", "reopened", "stage", "W", "2024-05-20", known="2024-06-02")
    source.change("deal", "reopened", "amount", "1500", "2024-05-20", known="2024-06-10")

    source.deal("deleted", "2024-03-01", deleted_at="2024-05-05")
    source.change("deal", "deleted", "stage", "S1", "2024-03-01")
    history(source, "restored", "2024-03-01")
    source.change("deal", "restored", "is_deleted", "true", "2024-03-15")
    source.change("deal", "restored", "is_deleted", "false", "2024-04-15")
    history(source, "merged", "2024-03-01")

    source.deal("seen", "2024-03-01", seen="2024-05-15", stage_source_id="S2", amount=700, currency_code="USD",
                account_source_id="A2", lead_score=50, has_champion=True)  # fmt: skip
    source.deal("undated", None, seen="2024-06-15", stage_source_id="S1")

    history(source, "euro", "2024-03-01", currency="EUR")
    history(source, "pound", "2024-03-01", currency="GBP")
    history(source, "franc", "2024-03-01", currency="CHF")
    history(source, "listed", "2024-03-01", amount=None)
    for name, value in [("planned_user_count", "10"), ("contract_months", "12"), ("discount_rate", "0.25")]:
        source.change("deal", "listed", name, value, "2024-05-02")
    history(source, "dirty", "2024-03-01")
    source.change("deal", "dirty", "amount", "a lot", "2024-03-05")
    source.change("deal", "dirty", "expected_close_on", "2024-02-30", "2024-03-05")

    history(source, "moved", "2024-03-01")
    for day, close in [("2024-03-01", "2024-04-30"), ("2024-04-02", "2024-05-31"), ("2024-04-20", "2024-07-31"),
                       ("2024-05-03", "2024-06-30")]:  # fmt: skip
        source.change("deal", "moved", "expected_close_on", close, day)
    for day, stage in [("2024-04-02", "S2"), ("2024-05-03", "S1")]:
        source.change("deal", "moved", "stage", stage, day)
    source.change("deal", "moved", "amount", "1250", "2024-05-03")
    source.activity("moved", "call", "2024-03-02", direction="inbound", has_objection_handled=True)
    source.activity("moved", "meeting", "2024-04-28", is_decision_maker_present=True)
    source.activity("moved", "email", "2024-04-29", known="2024-05-06")

    source.add("accounts", "A3", occurred_at="2023-01-01", observed_at=as_of)
    source.deal("adopted", "2024-03-01")
    source.change("deal", "adopted", "account", "A3", "2024-03-01")
    source.deal("named", "2024-03-01")
    source.deal("twin", "2024-03-02")
    source.change("deal", "twin", "amount", "60", "2024-03-02")

    for number, stage in enumerate(["W", "W", "W", "L"]):
        history(source, f"closed{number}", "2023-03-01", amount=str(100 * (number + 1)))
        source.change("deal", f"closed{number}", "stage", stage, "2023-05-15")
