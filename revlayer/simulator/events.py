"""What the CRM records of a chunk of deals: one ledger entry for every value a field takes."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from revlayer.simulator import text
from revlayer.simulator.changes import Ledger
from revlayer.simulator.clock import Clock, stream
from revlayer.simulator.close_dates import add_close_dates
from revlayer.simulator.deals import FLAGS, Deals
from revlayer.simulator.fates import Fates, wrong_spelling
from revlayer.simulator.journey import Journey
from revlayer.simulator.parameters import LOST, OPEN_STAGES, WON, Parameters
from revlayer.simulator.world import CURRENCIES, World, pick_owner

DEAL_FIELDS = (
    "account", "owner", "product", "currency_code", "deal_type", "lead_source", "lead_score",
    "planned_user_count", "discount_rate", "contract_months", "competitor_count", *FLAGS,
    "amount", "expected_close_on", "stage", "forecast_category", "is_deleted",
)  # fmt: skip
CATEGORIES = ("pipeline", "best_case", "commit", "closed", "omitted")


@dataclass(frozen=True)
class Scene:
    """All that the recorders of one chunk need."""

    parameters: Parameters
    world: World
    clock: Clock
    deals: Deals
    journey: Journey
    fates: Fates
    seed: int
    chunk: int

    def random(self, name: str) -> np.random.Generator:
        return stream(self.seed, name, self.chunk)


def record(scene: Scene) -> Ledger:
    """The ledger of a chunk, not yet closed."""
    ledger = Ledger(DEAL_FIELDS, len(scene.deals), scene.fates.cut)
    _add_attributes(scene, ledger)
    _add_owners(scene, ledger)
    _add_qualification(scene, ledger)
    _add_amounts(scene, ledger)
    add_close_dates(
        scene.clock, scene.deals.created_at, scene.journey, scene.fates, scene.random("close_dates"), ledger
    )
    _add_stages(scene, ledger)
    _add_deletions(scene, ledger)
    return ledger


def _add_attributes(scene: Scene, ledger: Ledger) -> None:
    p, deals, random = scene.parameters, scene.deals, scene.random("attributes")
    count = len(deals)
    rows, at = np.arange(count), deals.created_at
    missing = random.random(count) < p.missing_account_rate
    ledger.add("account", rows, at, text.identifiers("A", deals.account + 1, 6, missing))
    ledger.add("product", rows, at, text.identifiers("P", deals.product + 1, 2))
    # Some foreign deals are first typed in as dollars and corrected within days.
    mistaken = random.random(count) < p.wrong_currency_rate
    ledger.add("currency_code", rows, at, text.names(CURRENCIES, np.where(mistaken, 0, deals.currency)))
    fixed = np.flatnonzero(mistaken)
    fixed_at = at[fixed] + random.uniform(0.5, 5.0, len(fixed))
    ledger.add("currency_code", fixed, fixed_at, text.names(CURRENCIES, deals.currency[fixed]))
    ledger.add("deal_type", rows, at, text.names(p.deal_types, deals.deal_type))
    spelt = [name for source in p.lead_sources for name in (source, source.lower())]
    wrong = wrong_spelling(p, count, random)
    ledger.add("lead_source", rows, at, text.names(spelt, deals.lead_source * 2 + wrong))
    ledger.add("planned_user_count", rows, at, text.numbers(deals.users))
    ledger.add("discount_rate", rows, at, text.numbers(deals.discount))
    ledger.add("contract_months", rows, at, text.numbers(deals.months))
    seen_late = (random.random(count) < 0.4) & (deals.competitors > 0)
    ledger.add("competitor_count", rows, at, text.numbers(deals.competitors - seen_late))
    later = np.flatnonzero(seen_late)
    when = at[later] + random.exponential(20.0, len(later))
    still = when < scene.fates.closed_first_at[later]
    ledger.add("competitor_count", later[still], when[still], text.numbers(deals.competitors[later[still]]))


def _add_owners(scene: Scene, ledger: Ledger) -> None:
    deals, random = scene.deals, scene.random("owners")
    rows = np.arange(len(deals))
    ledger.add("owner", rows, deals.created_at, text.identifiers("U", deals.owner + 1, 5))
    moved = np.flatnonzero(random.random(len(deals)) < scene.parameters.reassign_rate)
    when = deals.created_at[moved] + random.exponential(50.0, len(moved))
    region = scene.world.accounts.region[deals.account[moved]]
    owner = scene.world.serving(pick_owner(scene.world.owners, region, random), when)
    still = when < scene.fates.closed_first_at[moved]
    ledger.add("owner", moved[still], when[still], text.identifiers("U", owner[still] + 1, 5))


def _add_qualification(scene: Scene, ledger: Ledger) -> None:
    """Lead score (revised for some on qualification) and the three flags."""
    p, deals, random = scene.parameters, scene.deals, scene.random("qualification")
    count = len(deals)
    known = np.flatnonzero(random.random(count) >= p.missing_lead_score_rate)
    ledger.add("lead_score", known, deals.created_at[known], text.numbers(deals.lead_score[known]))
    qualified = scene.journey.first_entry(1)
    revised = known[(random.random(len(known)) < 0.25) & np.isfinite(qualified[known])]
    score = np.clip(deals.lead_score[revised] + np.rint(random.normal(0, 3, len(revised))), 0, 100)
    ledger.add("lead_score", revised, qualified[revised], text.numbers(score))
    for k, flag in enumerate(FLAGS):
        kept = np.flatnonzero(random.random(count) >= p.missing_flag_rate)
        ledger.add(flag, kept, deals.created_at[kept], text.booleans(np.zeros(len(kept), dtype=bool)))
        came = deals.flag_ever[kept, k] & (deals.flag_at[kept, k] < scene.fates.closed_first_at[kept])
        kept = kept[came]
        ledger.add(flag, kept, deals.flag_at[kept, k], text.booleans(np.ones(len(kept), dtype=bool)))


def _add_amounts(scene: Scene, ledger: Ledger) -> None:
    """Amounts: missing early for some, revised in late stages, settled on winning."""
    deals, random = scene.deals, scene.random("amounts")
    count = len(deals)
    amount = deals.base_amount.copy()
    has = random.random(count) >= scene.parameters.missing_amount_rate
    rows = np.flatnonzero(has)
    ledger.add("amount", rows, deals.created_at[rows], text.money(amount[rows]))
    # Stage, share that fills a missing amount, share revised, mean and spread of the log factor.
    for stage, fill, revise, mean, spread in (
        (2, 0.5, 0.1, 0.0, 0.15),
        (3, 0.9, 0.5, 0.0, 0.15),
        (4, 0.9, 0.4, -0.05, 0.1),
        (WON, 1.0, 0.6, -0.02, 0.05),
    ):
        filled, revised = random.random((2, count))
        factor = np.exp(mean + spread * random.standard_normal(count))
        entered = scene.journey.first_entry(stage)
        happens = np.isfinite(entered)
        amount = np.where(happens & (revised < revise), amount * factor, amount)
        has = has | (happens & (filled < fill))
        rows = np.flatnonzero(happens & has)
        ledger.add("amount", rows, entered[rows], text.money(amount[rows]))


def _add_stages(scene: Scene, ledger: Ledger) -> None:
    """Stage entries, and the forecast category that the owner gives at each."""
    journey, random = scene.journey, scene.random("categories")
    opinion = random.logistic(0, 1, len(scene.deals))
    for step in range(journey.stage.shape[1]):
        stage, at = journey.stage[:, step], journey.at[:, step]
        rows = np.flatnonzero((stage >= 0) & (at < scene.fates.cut))
        stage, at = stage[rows], at[rows]
        ledger.add("stage", rows, at, text.identifiers("S", stage + 1, 1))
        # From Proposal on the owner commits the more readily, the better the deal.
        lean = 0.8 * scene.deals.z[rows] + np.where(stage == OPEN_STAGES - 1, 0.8, -1.5) + opinion[rows]
        open_category = np.where(stage >= 3, np.where(lean > 0, 2, 1), 0)
        category = np.where(stage == WON, 3, np.where(stage == LOST, 4, open_category))
        ledger.add("forecast_category", rows, at, text.names(CATEGORIES, category))


def _add_deletions(scene: Scene, ledger: Ledger) -> None:
    fates = scene.fates
    rows = np.flatnonzero(np.isfinite(fates.deleted_at))
    no, yes = np.zeros(len(rows), dtype=bool), np.ones(len(rows), dtype=bool)
    ledger.add("is_deleted", rows, scene.deals.created_at[rows], text.booleans(no))
    ledger.add("is_deleted", rows, fates.deleted_at[rows], text.booleans(yes))
    back = rows[np.isfinite(fates.restored_at[rows])]
    ledger.add("is_deleted", back, fates.restored_at[back], text.booleans(np.zeros(len(back), dtype=bool)))
