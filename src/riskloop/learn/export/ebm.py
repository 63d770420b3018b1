"""Explainable boosting machines (interpret): every term is a table over one or two columns, and so a small tree."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from riskloop.errors import DataError
from riskloop.learn.export.assembly import LARGEST, Tree, assemble
from riskloop.scorer.forest import Forest

FloatArray = NDArray[np.float64]
_MISSING = 0
"""First entry of a term's table along every column; the last is for categories that were never seen."""


def classifier(model: Any) -> Forest:
    """Export a fitted ``ExplainableBoostingClassifier`` of two classes, whose columns are numbers or category codes."""
    if len(model.classes_) != 2:
        raise DataError("The model has more than two classes.", where="ebm", next_step="use a binary target")
    trees = []
    for features, scores in zip(model.term_features_, model.term_scores_, strict=True):
        level = len(features) - 1
        axes = [_axis(model, feature, level) for feature in features]
        trees.append(_Growing(axes, np.asarray(scores, dtype=np.float64)).tree())
    return assemble(trees, int(model.n_features_in_), base=float(np.asarray(model.intercept_).ravel()[0]))


@dataclass(frozen=True)
class _Axis:
    """One column of a term: cuts between bins, or for each bin the codes that fall into it."""

    feature: int
    cuts: FloatArray | None = None
    codes: tuple[tuple[int, ...], ...] = ()

    @property
    def bins(self) -> int:
        return len(self.cuts) + 1 if self.cuts is not None else len(self.codes)


def _axis(model: Any, feature: int, level: int) -> _Axis:
    """A pair may use coarser bins than a single column: the last ones given serve all higher levels."""
    kinds = model.bins_[feature]
    bins = kinds[min(level, len(kinds) - 1)]
    if not isinstance(bins, dict):
        return _Axis(feature, cuts=np.asarray(bins, dtype=np.float64))
    codes: list[list[int]] = [[] for _ in range(max(bins.values(), default=0))]
    for text, position in bins.items():
        codes[position - 1].append(int(float(text)))
    return _Axis(feature, codes=tuple(tuple(each) for each in codes))


@dataclass
class _Growing:
    """A term's table as a tree: one column after the other, each cut in halves."""

    axes: Sequence[_Axis]
    scores: FloatArray
    feature: list[int] = field(default_factory=list)
    threshold: list[float] = field(default_factory=list)
    left: list[int] = field(default_factory=list)
    right: list[int] = field(default_factory=list)
    missing_left: list[bool] = field(default_factory=list)
    value: list[float] = field(default_factory=list)
    sets: dict[int, list[int]] = field(default_factory=dict)

    def tree(self) -> Tree:
        self._column(())
        return Tree(self.feature, self.threshold, self.left, self.right, self.missing_left, self.value, dict(self.sets))

    def _column(self, place: tuple[int, ...]) -> int:
        """The subtree below the columns whose bins are known; returns its root."""
        if len(place) == len(self.axes):
            return self._node(-1, value=float(self.scores[place]))
        axis = self.axes[len(place)]
        if axis.cuts is not None:
            root = self._node(axis.feature, threshold=LARGEST)  # all but the missing
            self.left[root] = self._range(axis, place, 1, axis.bins)
            self.right[root] = self._column((*place, _MISSING))
            return root
        root = self._node(axis.feature, codes=[code for codes in axis.codes for code in codes])
        self.left[root] = self._range(axis, place, 1, axis.bins)
        self.right[root] = self._neither(axis, place)
        return root

    def _neither(self, axis: _Axis, place: tuple[int, ...]) -> int:
        """A category that is missing, or was never seen."""
        root = self._node(axis.feature, codes=[], missing_left=True)
        self.left[root] = self._column((*place, _MISSING))
        self.right[root] = self._column((*place, self.scores.shape[len(place)] - 1))
        return root

    def _range(self, axis: _Axis, place: tuple[int, ...], first: int, last: int) -> int:
        if first >= last:
            return self._column((*place, first if first <= last else _MISSING))
        middle = (first + last) // 2
        if axis.cuts is not None:  # a bin begins at its cut: left is what lies below
            root = self._node(axis.feature, threshold=float(np.nextafter(axis.cuts[middle - 1], -np.inf)))
        else:
            root = self._node(axis.feature, codes=[c for codes in axis.codes[first - 1 : middle] for c in codes])
        self.left[root] = self._range(axis, place, first, middle)
        self.right[root] = self._range(axis, place, middle + 1, last)
        return root

    def _node(
        self,
        feature: int,
        *,
        threshold: float = 0.0,
        value: float = 0.0,
        codes: list[int] | None = None,
        missing_left: bool = False,
    ) -> int:
        self.feature.append(feature)
        self.threshold.append(threshold)
        self.left.append(-1)
        self.right.append(-1)
        self.missing_left.append(missing_left)
        self.value.append(value)
        if codes is not None:
            self.sets[len(self.feature) - 1] = codes
        return len(self.feature) - 1
