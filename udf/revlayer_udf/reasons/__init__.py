"""Why a row got its score: contributions of features that add up to the raw score."""

from revlayer_udf.reasons.exact import exact_contributions
from revlayer_udf.reasons.explanation import BASE_SCORE, CONTRIBUTIONS, explain_graph, explained
from revlayer_udf.reasons.linear import UnexplainedError
from revlayer_udf.reasons.ranking import TopReasons, top_reasons
from revlayer_udf.reasons.scorer import Explained, ReasonScorer
from revlayer_udf.reasons.treeshap import tree_shap

__all__ = [
    "BASE_SCORE",
    "CONTRIBUTIONS",
    "Explained",
    "ReasonScorer",
    "TopReasons",
    "UnexplainedError",
    "exact_contributions",
    "explain_graph",
    "explained",
    "top_reasons",
    "tree_shap",
]
