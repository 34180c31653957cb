"""The table of raw scores in docs/reasons.md has every target that is explained."""

import re
from pathlib import Path

from revlayer_udf.targets import TARGETS

TEXT = (Path(__file__).parents[2] / "docs" / "reasons.md").read_text(encoding="utf-8")
# When a deal closes or an invoice is paid is told by a law: there is no score to split.
WITHOUT = {"deal_close_month", "invoice_late"}


def test_every_target_with_reasons_says_what_its_raw_score_is():
    [table] = re.findall(r"\| target \| raw score .*?\n\n", TEXT, flags=re.DOTALL)
    assert set(re.findall(r"^\| `(\w+)` \|", table, flags=re.MULTILINE)) == set(TARGETS) - WITHOUT
