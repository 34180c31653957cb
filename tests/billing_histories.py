"""Random small billing histories for property tests: {raw table: [rows]}, ready for ``CompiledModels.filled``.

Everything lies between FIRST and LAST; tests look at it as of AS_OF, so that some rows are of the future, some are
recorded too late and some are deleted before or after it. Shrinking leads towards one customer and plain values.
"""

from datetime import date, timedelta
from decimal import Decimal

from billing_documents import add_taxes
from billing_rows import AS_OF, CURRENCIES, FIRST, KINDS, LAST, Dice, History, Rows, Tracked, add_customers, add_rates
from billing_settlements import add_invoicing, add_payables
from hypothesis import strategies as st

__all__ = ["AS_OF", "FIRST", "LAST", "invoice_histories", "subscription_histories", "tax_histories"]

PERIODS = (("month", 1), ("year", 1), ("quarter", 1), ("month", 3), ("week", 1), ("week", 2), ("day", 1), ("day", 30))
#: What is negative is a standing credit; it never cancels the others to the cent.
UNIT_AMOUNTS = ("10", "99.99", "33.33333333", "1200", "0.01", "7.5", "0", "-7.77")
QUANTITIES = ("1", "3", "10", "25", "2.5", "0", "100")
DISCOUNT_RATES = ("0.1", "0.25", "0.333", "1")
DISCOUNT_AMOUNTS = ("5.00", "0.01", "33.33", "2000.00")
PLANS = ("basic", "team", "business")
#: Charge models of the prices of each plan; the tiers are those of _add_catalogue.
CHARGE_MODELS = ("per_unit", "flat", "tiered", "volume")


@st.composite
def subscription_histories(draw: st.DrawFn, customers: int = 4, is_linked: bool = False) -> Rows:
    """Billing customers with subscriptions, items and everything that happens to them.

    Args:
        customers: at most as many.
        is_linked: customers 1 and 2 are sometimes one customer, by entity_links.

    Kept out: items in another currency than their subscription, negative quantities. A discount may exceed what it is
    taken from: the item is then worth nothing, never less.
    """
    dice, history = Dice(draw), History()
    add_rates(dice, history)
    keys = add_customers(dice, history, customers)
    if is_linked and len(keys) > 1 and dice.once_in(3):
        for key in keys[:2]:
            history.link("billing_customer", key, "one customer")
    _add_catalogue(dice, history)
    for key in keys:
        for _ in range(dice.number(1, 2)):
            _add_subscription(dice, history, key)
    return history.rows


@st.composite
def invoice_histories(draw: st.DrawFn, customers: int = 3) -> Rows:
    """Invoices with lines of every recognition method, and payments, credit notes, refunds, write-offs, bills.

    Kept out: an invoice is never reduced by more than its total, a payment or credit note never allocated, refunded
    or a line credited beyond its amount, counting all rows (later, late and deleted ones too).
    """
    dice, history = Dice(draw), History()
    add_rates(dice, history)
    keys = add_customers(dice, history, customers)
    add_taxes(dice, history, keys, plain=True)
    add_invoicing(dice, history, keys)
    add_payables(dice, history)
    return history.rows


@st.composite
def tax_histories(draw: st.DrawFn, customers: int = 3) -> Rows:
    """As invoice_histories, with rates by region, class, kind of customer and date, exemptions, reverse charge."""
    dice, history = Dice(draw), History()
    add_rates(dice, history)
    keys = add_customers(dice, history, customers)
    add_taxes(dice, history, keys, plain=False)
    add_invoicing(dice, history, keys)
    add_payables(dice, history)
    return history.rows


def _add_catalogue(dice: Dice, history: History) -> None:
    """Plans, a price of each in each currency, tiers, and prices that are no recurring revenue."""
    kind = dice.pick(KINDS[::-1])
    for order, name in enumerate(PLANS, start=1):
        product = f"P{dice.number(1, 2)}"
        plan = Tracked(history, "plans", name, FIRST, dice, kind=kind, is_steady=True, product_source_id=product,
                       tier_order=order, tax_class="standard", is_active=True)  # fmt: skip
        if dice.once_in(6):
            plan.change("tier_order", order + 2, dice.day())
        plan.close(name=name.title())
        model, (period, count) = dice.pick(CHARGE_MODELS), dice.pick(PERIODS)
        amount = Decimal(dice.pick(UNIT_AMOUNTS))
        for currency in CURRENCIES:
            _add_price(dice, history, f"{name}_{currency}", name, amount, currency, period, count, model, kind)
    _add_price(dice, history, "setup_USD", "basic", Decimal(500), "USD", "one_time", 1, "flat", "none")
    _add_price(dice, history, "usage_USD", "basic", Decimal("0.05"), "USD", "month", 1, "usage", "none")


def _add_price(
    dice: Dice, history: History, key: str, plan: str, amount: Decimal, currency: str, period: str, count: int,
    model: str, kind: str,
) -> None:  # fmt: skip
    """A price; only those in US dollars may have their first values in the history."""
    kind = "changes" if kind == "whole" and currency != "USD" else kind
    tiered = model in ("tiered", "volume")
    price = Tracked(history, "prices", key, FIRST, dice, kind=kind, is_steady=True,
                    plan_source_id=plan, product_source_id=None, unit_amount=None if tiered else str(amount),
                    currency_code=currency, billing_period=period, billing_period_count=count, charge_model=model,
                    recognition_method="straight_line", is_tax_inclusive=False, is_active=True)  # fmt: skip
    if not tiered and dice.once_in(5):
        price.change("unit_amount", str(amount * Decimal("1.1")), dice.day(), reason=None)
    price.close()
    if not tiered:
        return
    for number, (low, high, unit, flat) in enumerate(
        (("0", "5", amount, None), ("5", "20", amount / 2, "3.00"), ("20", None, amount / 4, "20.00")), start=1
    ):
        history.add("price_tiers", f"{key}_{number}", FIRST, dice, late=False, price_source_id=key, from_quantity=low,
                    to_quantity=high, unit_amount=str(unit), flat_amount=flat)  # fmt: skip


def _add_subscription(dice: Dice, history: History, customer: str) -> None:
    start = dice.day(FIRST, LAST - timedelta(days=30))
    trial_end = start + timedelta(days=dice.pick((14, 30, 1))) if dice.once_in(3) else None
    currency = dice.pick(CURRENCIES)
    key = history.key("S")
    clock = dice.time()
    subscription = Tracked(
        history, "subscriptions", key, start, dice,
        billing_customer_source_id=customer, deal_source_id=None, status="trialing" if trial_end else "active",
        currency_code=currency, started_at=history.at(start, clock),
        trial_started_at=history.at(start, clock) if trial_end else None,
        trial_ended_at=history.at(trial_end, clock) if trial_end else None,
        current_period_started_at=None, current_period_ended_at=None,
        committed_until=history.at(start + timedelta(days=365), clock) if dice.once_in(2) else None,
        cancel_requested_at=None, cancels_at=None, ended_at=None, paused_at=None, resumes_at=None,
        is_auto_renewed=dice.once_in(2), cancel_reason=None,
    )  # fmt: skip
    _live(dice, subscription, start, trial_end)
    subscription.close()
    for _ in range(dice.number(1, 2)):
        _add_item(dice, history, subscription, start, currency)


def _live(dice: Dice, subscription: Tracked, start: date, trial_end: date | None) -> None:
    """What happens to the subscription as a whole: trial, pauses, cancellation, its withdrawal, reactivation."""
    day = start
    if trial_end:
        subscription.change("status", "active", trial_end)
        if dice.once_in(4):  # a trial made longer, or ended early
            at = subscription.history.at(trial_end + timedelta(days=dice.pick((10, -5))))
            subscription.change("trial_ended_at", at, min(trial_end, start + timedelta(days=3)))
        day = trial_end
    for _ in range(dice.number(0, 3)):
        day += timedelta(days=dice.number(1, 150))
        if day > LAST:
            return
        event = dice.pick(("pause", "cancel", "open_pause", "withdrawn_cancel"))
        day = {"pause": _pause, "cancel": _cancel, "open_pause": _pause_openly, "withdrawn_cancel": _withdraw}[event](
            dice, subscription, day
        )


def _pause(dice: Dice, subscription: Tracked, day: date) -> date:
    """A pause whose end is set at once."""
    end = day + timedelta(days=dice.number(1, 90))
    subscription.change("paused_at", subscription.history.at(day), day)
    subscription.change("resumes_at", subscription.history.at(end), day)
    return end


def _pause_openly(dice: Dice, subscription: Tracked, day: date) -> date:
    """A pause that ends with the word that it does: the end is known only then, or the pause taken away."""
    subscription.change("paused_at", subscription.history.at(day), day)
    subscription.change("resumes_at", None, day)
    end = day + timedelta(days=dice.number(1, 90))
    if end <= LAST:
        if dice.once_in(2):
            subscription.change("paused_at", None, end)
        else:
            subscription.change("resumes_at", subscription.history.at(end), end)
    return end


def _cancel(dice: Dice, subscription: Tracked, day: date) -> date:
    """Cancelled at once or with notice; some come back on the same subscription."""
    end = day + timedelta(days=dice.pick((0, 30, 61)))
    subscription.change("cancel_requested_at", subscription.history.at(day), day)
    subscription.change("cancels_at", subscription.history.at(end), day)
    subscription.change("cancel_reason", "price", day)
    if end > LAST:
        return end
    subscription.change("ended_at", subscription.history.at(end), end)
    subscription.change("status", "cancelled", end)
    back = end + timedelta(days=dice.number(1, 120))
    if dice.once_in(3) and back <= LAST:
        for field, value in (("ended_at", None), ("cancels_at", None), ("status", "active")):
            subscription.change(field, value, back)
        return back
    return LAST


def _withdraw(dice: Dice, subscription: Tracked, day: date) -> date:
    subscription.change("cancels_at", subscription.history.at(day + timedelta(days=60)), day)
    kept = day + timedelta(days=dice.number(0, 59))
    subscription.change("cancels_at", None, kept)
    return kept


def _add_item(dice: Dice, history: History, subscription: Tracked, start: date, currency: str) -> None:
    """An item priced by the catalogue, by itself, or both; what it charges is what its last known change says."""
    begin = start + timedelta(days=dice.number(1, 120)) if dice.once_in(3) else start
    plan = dice.pick(PLANS)
    is_listed = dice.once_in(2)
    extra = is_listed and currency == "USD" and dice.once_in(8)
    price = dice.pick(("setup_USD", "usage_USD")) if extra else f"{plan}_{currency}"
    period, count = (None, None) if is_listed else dice.pick(PERIODS)
    item = Tracked(
        history, "subscription_items", history.key("I"), min(begin, LAST), dice, parent=subscription,
        subscription_source_id=subscription.key, plan_source_id=plan,
        price_source_id=price if is_listed else None, product_source_id=dice.pick((None, "P1")),
        quantity=dice.pick(QUANTITIES), unit_amount=None if is_listed else dice.pick(UNIT_AMOUNTS),
        currency_code=dice.pick((currency, None)), billing_period=period, billing_period_count=count,
        discount_rate=None, discount_amount=None, discount_ended_on=None,
        started_on=dice.pick((begin, None)), ended_on=None,
    )  # fmt: skip
    if dice.once_in(3):
        _discount(dice, item, begin)
    day = begin
    for _ in range(dice.number(0, 4)):
        day += timedelta(days=dice.number(0, 120))
        if day > LAST:
            break
        _change_item(dice, item, day, currency, is_listed)
    item.close()


def _change_item(dice: Dice, item: Tracked, day: date, currency: str, is_listed: bool) -> None:
    event = dice.pick(("seats", "price", "plan", "discount", "end"))
    if event == "seats":
        item.change("quantity", dice.pick(QUANTITIES), day, reason=dice.pick(("seats", None)))
    elif event == "price" and not is_listed:
        item.change("unit_amount", dice.pick(UNIT_AMOUNTS), day, reason=dice.pick(("price", None)))
    elif event == "plan":
        plan = dice.pick(PLANS)
        item.change("plan", plan, day, reason="plan")
        if is_listed:
            item.change("price", f"{plan}_{currency}", day, reason="plan")
        else:
            item.change("unit_amount", dice.pick(UNIT_AMOUNTS), day, reason="plan")
    elif event == "discount":
        _discount(dice, item, day)
    elif event == "end":
        item.change("ended_on", day + timedelta(days=dice.number(0, 30)), day)
        if dice.once_in(3):  # goes on after all
            item.change("ended_on", None, day + timedelta(days=dice.number(1, 60)))


def _discount(dice: Dice, item: Tracked, day: date) -> None:
    end = day + timedelta(days=dice.number(1, 200)) if dice.once_in(2) else None
    if dice.once_in(2):
        item.change("discount_amount", dice.pick(DISCOUNT_AMOUNTS), day, reason="discount")
    else:
        item.change("discount_rate", dice.pick(DISCOUNT_RATES), day, reason="discount")
    item.change("discount_ended_on", end, day, reason="discount")
