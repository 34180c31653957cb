"""Simulated companies of 20,000 deals: how much of the gap between segment prior and truth the model closes."""

from collections.abc import Sequence

from revlayer import demo
from revlayer.database import connect
from revlayer.database.embedded import EmbeddedServer
from revlayer_training.acceptance import truth_gap
from tests.verify.company import champion_version, trained_company
from tests.verify.report import Section

HEADER = ("seed", "rung", "test rows", "Brier prior", "Brier CRM", "Brier model", "Brier truth", "gap closed", "ECE",
          "AUC model", "AUC truth")  # fmt: skip


def check(server: EmbeddedServer, seeds: Sequence[int], deals: int) -> Section:
    """Train on each seed's company and hold the served win model against outcomes and truth."""
    section = Section(f"Win probability on simulated companies of {deals:,} deals")
    rows: list[tuple[object, ...]] = []
    for seed in seeds:
        with trained_company(server, demo.Company(deals, seed)) as settings, connect(settings) as conn:
            gap = truth_gap(conn, champion_version(settings, "deal_win"))
        rows.append(
            (seed, gap.rung, gap.row_count, gap.brier_prior, gap.brier_crm, gap.brier_model, gap.brier_truth,
             gap.gap_share, gap.ece, gap.model_auc, gap.truth_auc)
        )  # fmt: skip
        print(f"  seed {seed}: gap closed {gap.gap_share:.3f}, ECE {gap.ece:.4f}", flush=True)
        at = f"seed {seed}: "
        section.check(at + "share of the Brier gap closed", gap.gap_share, lambda v: v >= 0.6, "≥ 0.60")
        excess = gap.brier_model - gap.brier_crm
        section.check(at + "Brier above the CRM's", excess, lambda v: v < 0, "< 0")
        section.check(at + "calibration error, 10 equal-count bins", gap.ece, lambda v: v <= 0.03, "≤ 0.03")
        section.check(at + "test rows", gap.row_count, lambda v: v >= 4000, "≥ 4,000")
    section.tables.append(("Figures of the test period, which no part of the model saw:", HEADER, rows))
    return section
