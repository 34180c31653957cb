"""What each leaf credits to each feature, so that one lookup per tree gives score and contributions together.

A leaf knows only that its own path was taken. Its value is split by the Shapley values of the game on that path:
a known feature follows the path, an unknown one is averaged over both branches by cover, and whatever leaves the
path counts with the mean of the leaves below.
"""

import numpy as np

from revlayer_udf.reasons.paths import Floats, Paths, node_means, shapley


def path_contributions(paths: Paths, weights: Floats) -> tuple[Floats, Floats]:
    """Split every leaf's value by the features on its path.

    Args:
        weights: [M], how the targets are added up to the score.

    Returns:
        The base of each tree [T]: the cover-weighted mean of its leaves. And [L, S]: what each slot's feature moves
        the score from that base to the leaf's value.
    """
    means = node_means(paths.ensemble) @ weights
    count, slots = paths.slot_features.shape
    one, zero, credits = np.ones((count, slots)), np.ones((count, slots)), np.zeros((count, slots))
    for step in reversed(range(paths.nodes.shape[1])):  # from the root down
        rows = np.flatnonzero(paths.nodes[:, step] >= 0)
        slot, every = paths.slots[rows, step], np.arange(len(rows))
        passes, left_out = one[rows], zero[rows]
        passes[every, slot] = 0.0
        # Not zero where nothing ever left the path: it is divided by.
        left_out[every, slot] *= np.maximum(1.0 - paths.shares[rows, step], 1e-12)
        credits[rows] += shapley(passes, left_out, means[paths.siblings[rows, step]])
        zero[rows, slot] *= paths.shares[rows, step]
    credits += shapley(one, zero, means[paths.leaves])
    bases = means[paths.ensemble.roots]
    _settle(credits, means[paths.leaves] - bases[paths.tree])
    return bases, credits


def _settle(credits: Floats, moved: Floats) -> None:
    """Put the rounding that is left over into each leaf's largest contribution."""
    largest = np.abs(credits).argmax(axis=1)
    credits[np.arange(len(credits)), largest] += moved - credits.sum(axis=1)
