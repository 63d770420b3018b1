"""Forests put together and cut: a bag of boosters costs one pass, not one each; fewer rounds are the first trees."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from riskloop.scorer.forest.nodes import Forest


def mergeable(forest: Forest) -> bool:
    """Whether its margin is a plain sum of leaf values in double precision."""
    return not (forest.average or forest.float32_sum)


def alike(one: Forest, other: Forest) -> bool:
    """Whether two forests read a matrix in the same way."""
    read = [(each.n_features, each.float32_inputs, each.zero_missing) for each in (one, other)]
    return read[0] == read[1] and mergeable(one) and mergeable(other)


def merge(forests: Sequence[Forest], weights: Sequence[float]) -> Forest:
    """One forest whose margin is the weighted sum of theirs.

    Parameters
    ----------
    forests : sequence of Forest
        Alike (see `alike`), at least one.
    weights : sequence of float
    """
    sizes = [forest.feature.size for forest in forests]
    starts = np.cumsum([0, *sizes[:-1]])
    sets = np.cumsum([0, *(len(forest.category_left) for forest in forests[:-1])])
    levels = max(forest.category_left.shape[1] for forest in forests)
    pairs = list(zip(forests, weights, strict=True))

    def moved(name: str, by: Sequence[int]) -> np.ndarray:
        """Indices of all forests, each moved behind those before it; -1 stays."""
        parts = [getattr(forest, name) for forest in forests]
        return np.concatenate(
            [np.where(part < 0, -1, part + step).astype(np.int32) for part, step in zip(parts, by, strict=True)]
        )

    def wide(forest: Forest) -> np.ndarray:
        """Its category sets with as many levels as the widest; a code beyond its own goes right, as before."""
        left = forest.category_left
        return np.pad(left, ((0, 0), (0, levels - left.shape[1])))

    return Forest(
        roots=moved("roots", starts.tolist()),
        feature=np.concatenate([forest.feature for forest in forests]),
        threshold=np.concatenate([forest.threshold for forest in forests]),
        left=moved("left", starts.tolist()),
        right=moved("right", starts.tolist()),
        missing_left=np.concatenate([forest.missing_left for forest in forests]),
        value=np.concatenate([forest.value * weight for forest, weight in pairs]),
        category_node=moved("category_node", sets.tolist()),
        category_left=np.concatenate([wide(forest) for forest in forests]),
        n_features=forests[0].n_features,
        base=float(sum(forest.base * weight for forest, weight in pairs)),
        float32_inputs=forests[0].float32_inputs,
        zero_missing=forests[0].zero_missing,
    )


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
