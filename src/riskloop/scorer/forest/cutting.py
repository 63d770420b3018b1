"""Forests cut short: fewer rounds of a booster are its first trees."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from riskloop.scorer.forest.nodes import Forest


def trees(forest: Forest, start: int, stop: int) -> Forest:
    """Some of the trees, one after the other; the base goes with the first.

    What a booster of fewer rounds would have been, to the last bit, is ``trees(forest, 0, rounds)``.
    """
    ends = [*forest.roots.tolist(), forest.feature.size]
    nodes = slice(ends[start], ends[stop])
    used = np.unique(forest.category_node[nodes])
    used = used[used >= 0]
    sets = forest.category_left[used]
    levels = int(np.flatnonzero(sets.any(axis=0)).max(initial=-1)) + 1

    def moved(name: str) -> np.ndarray:
        part = getattr(forest, name)[nodes]
        return np.where(part < 0, -1, part - ends[start]).astype(np.int32)

    numbers = np.full(len(forest.category_left) + 1, -1, dtype=np.int32)  # the last one stands for -1
    numbers[used] = np.arange(len(used))
    return replace(
        forest,
        roots=(forest.roots[start:stop] - ends[start]).astype(np.int32),
        feature=forest.feature[nodes],
        threshold=forest.threshold[nodes],
        left=moved("left"),
        right=moved("right"),
        missing_left=forest.missing_left[nodes],
        value=forest.value[nodes],
        category_node=numbers[forest.category_node[nodes]],
        category_left=np.ascontiguousarray(sets[:, :levels]),
        base=forest.base if start == 0 else 0.0,
    )
