"""Static attributes of a chunk of deals and their score z, which governs the journey."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from revlayer.simulator.clock import Array, Clock, Index, Mask, stream
from revlayer.simulator.parameters import Parameters
from revlayer.simulator.world import CURRENCY_SHARES, PRODUCT_SHARES, STARTER, World, pick_owner

FLAGS = ("has_champion", "has_budget", "has_decision_maker")


@dataclass(frozen=True)
class Deals:
    """One chunk; every array has one entry per deal (flags: one row per deal, one column per flag)."""

    number: Index
    created_at: Array
    account: Index
    segment: Index
    owner: Index
    product: Index
    lead_source: Index
    deal_type: Index
    partner: Index
    currency: Index
    users: Array
    discount: Array
    months: Array
    competitors: Array
    lead_score: Array
    flag_ever: Mask
    flag_at: Array
    engagement: Array
    base_amount: Array
    fit: Array
    z: Array

    def __len__(self) -> int:
        return len(self.number)


def _choose(random: np.random.Generator, shares: Array) -> Index:
    """One category per row of `shares` (rows sum to one)."""
    edges = np.cumsum(shares, axis=1)
    drawn = random.random(len(shares))[:, None] > edges
    return np.minimum(drawn.sum(axis=1), shares.shape[1] - 1)


def drift(parameters: Parameters, world: World, clock: Clock, created_at: Array) -> Array:
    """Slow change of z with the creation time."""
    month = (created_at - clock.start) / 30.4375
    wave = np.sin(2 * np.pi * month / parameters.drift_period_months + world.drift_phase)
    return parameters.drift_amplitude * wave + parameters.drift_slope * month


def _owner(world: World, account: Index, created_at: Array, random: np.random.Generator) -> Index:
    """Half the deals go to the account's owner; a departed owner's go to the successor."""
    owner = pick_owner(world.owners, world.accounts.region[account], random)
    owner = np.where(random.random(len(account)) < 0.5, world.accounts.owner[account], owner)
    return world.serving(owner, created_at)


def build_deals(parameters: Parameters, world: World, clock: Clock, seed: int, chunk: int, rows: slice) -> Deals:
    """The deals `rows` of the world."""
    random = stream(seed, "deals", chunk)
    p = parameters
    created_at, account = world.deal_created_at[rows], world.deal_account[rows]
    count = len(created_at)
    segment = world.accounts.segment_at(account, created_at)
    region = world.accounts.region[account]
    owner = _owner(world, account, created_at, random)
    product = _choose(random, PRODUCT_SHARES[segment])
    lead_source = random.choice(6, count, p=p.lead_source_shares)
    deal_type = random.choice(3, count, p=p.deal_type_shares)
    partner = np.where(random.random(count) < p.partner_rate, random.integers(0, 3, count), -1)
    currency = _choose(random, CURRENCY_SHARES[region])
    size = random.standard_normal(count)
    users = np.ceil(np.array(p.user_medians)[segment] * np.exp(p.user_sigma * size))
    discount = np.asarray(np.round(np.clip(random.gamma(2.0, 0.06, count), 0.0, 0.4), 2), dtype=np.float64)
    months = random.choice(np.array(p.contract_months), count, p=p.contract_month_shares)
    competitors = np.minimum(random.poisson(0.6, count), 4).astype(np.float64)
    quality = random.standard_normal(count)
    noise = random.standard_normal(count)
    score = 50 + 18 * (quality + p.lead_score_noise * noise) / np.hypot(1.0, p.lead_score_noise)
    engagement = random.standard_normal(count)
    fit = random.standard_normal(count)
    flag_ever, flag_at = _flags(p, clock, created_at, quality, random)
    price = np.array(p.list_prices)[product] * price_level(p, clock, created_at)
    amount = users * price * months * (1 - discount) * np.exp(p.amount_sigma * random.standard_normal(count))
    deals = Deals(
        number=np.arange(rows.start, rows.start + count, dtype=np.int64) + 1,
        created_at=created_at, account=account, segment=segment, owner=owner, product=product,
        lead_source=lead_source, deal_type=deal_type, partner=partner, currency=currency, users=users,
        discount=discount, months=months, competitors=competitors,
        lead_score=np.round(np.clip(score, 0, 100)), flag_ever=flag_ever, flag_at=flag_at,
        engagement=engagement, base_amount=amount / world.rate_at(currency, created_at), fit=fit, z=np.zeros(count),
    )  # fmt: skip
    return replace(deals, z=_score(p, world, clock, deals, size, quality))


def _flags(
    p: Parameters, clock: Clock, created_at: Array, quality: Array, random: np.random.Generator
) -> tuple[Mask, Array]:
    """Whether each flag is ever raised, and when; the better the deal, the likelier."""
    logits = np.array(p.flag_intercepts) + quality[:, None] * np.array(p.flag_quality_slopes)
    flag_ever = random.random(logits.shape) < 1 / (1 + np.exp(-logits))
    delay = random.exponential(1.0, logits.shape) * np.array(p.flag_delay_days)
    return flag_ever, clock.to_calendar(clock.to_work(created_at)[:, None] + delay)


def _score(p: Parameters, world: World, clock: Clock, deals: Deals, size: Array, quality: Array) -> Array:
    """z: what is seen of a deal and what nobody records add up to its log-odds of winning."""
    region = world.accounts.region[deals.account]
    return np.asarray(
        _sales_effects(
            p, world, deals.account, region, deals.segment, deals.product, deals.lead_source, deals.deal_type,
            deals.partner,
        )
        + p.users_effect * size
        + p.discount_effect * (deals.discount - 0.12)
        + p.competitor_effect * (deals.competitors - 0.6)
        + (deals.flag_ever - 0.45) @ np.array(p.flag_effects)
        + p.quality_effect * quality
        + p.engagement_effect * deals.engagement
        + p.skill_effect * world.owners.skill[deals.owner]
        + p.account_effect * world.accounts.fit[deals.account]
        + p.fit_effect * deals.fit
        + drift(p, world, clock, deals.created_at)
    )  # fmt: skip


def _sales_effects(
    p: Parameters, world: World, account: Index, region: Index, segment: Index, product: Index,
    lead_source: Index, deal_type: Index, partner: Index,
) -> Array:  # fmt: skip
    """What segment, industry, region, product, source, type and partner add to the log-odds of winning."""
    return np.asarray(
        np.array(p.segment_effects)[segment]
        + np.array(p.industry_effects)[world.accounts.industry[account]]
        + np.array(p.region_effects)[region]
        + np.array(p.product_effects)[product]
        + np.array(p.lead_source_effects)[lead_source]
        + np.array(p.deal_type_effects)[deal_type]
        + np.append(p.partner_effects, 0.0)[partner]
        + p.enterprise_starter_effect * ((segment == 2) & (product == STARTER))
        + p.outbound_enterprise_effect * ((segment == 2) & (lead_source == 4))
    )


def price_level(parameters: Parameters, clock: Clock, at: Array) -> Array:
    """List prices rise every January by the same share; 1 in the first year."""
    year = at.astype(np.int64).astype("datetime64[D]").astype("datetime64[Y]").astype(np.int64) + 1970
    return np.asarray((1.0 + parameters.price_growth_per_year) ** (year - clock.start_on.year))
