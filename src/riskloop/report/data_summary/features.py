"""One feature alone: its values, what is missing, its distribution by target, and how much it knows by itself."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

from riskloop.costs import BoolArray, FloatArray
from riskloop.data.contract import Column
from riskloop.data.dataset import Dataset
from riskloop.data.leakage import as_score, strength
from riskloop.learn.evaluation.intervals import finite
from riskloop.report.data_summary.groups import Group, category_groups, number_groups, rate_scale


@dataclass(frozen=True, slots=True)
class Feature:
    """What one column holds.

    Attributes
    ----------
    name : str
    type : {"number", "category", "date"}
    missing : int
        Rows.
    missing_share : float
    distinct : int
        Different values that occur, the missing one not counted.
    roc_auc : float
        ROC-AUC of the feature alone, in either direction, from 0.5 to 1: how much it knows by itself. A category is
        scored out of sample by the target rates of its levels.
    statistics : dict of float
        Of numbers: mean, standard deviation, minimum, quartiles, maximum, share of zeros. Of categories: levels of
        the contract that do not occur.
    groups : list of Group
        The distribution by target.
    """

    name: str
    type: str
    missing: int
    missing_share: float
    distinct: int
    roc_auc: float
    statistics: dict[str, float]
    groups: list[Group]

    @property
    def rate_scale(self) -> float:
        return rate_scale(self.groups)

    @property
    def most_rows(self) -> int:
        return max((one.rows for one in self.groups), default=0)

    def to_dict(self) -> dict[str, Any]:
        """Plain JSON values."""
        return {
            "name": self.name,
            "type": self.type,
            "missing": self.missing,
            "missing_share": self.missing_share,
            "distinct": self.distinct,
            "roc_auc": self.roc_auc,
            "statistics": {name: finite(value) for name, value in self.statistics.items()},
            "groups": [one.to_dict() for one in self.groups],
        }


def features(dataset: Dataset, sample: NDArray[np.int64], *, seed: int) -> list[Feature]:
    """All features, those that know most by themselves first.

    Parameters
    ----------
    dataset : Dataset
    sample : int array
        Rows on which the ROC-AUC is computed; everything else is counted on all rows.
    seed : int
        For the halves on which categories are scored.
    """
    drawn, outcome = dataset.take(sample), dataset.outcome[sample]
    found = []
    for column in dataset.contract.used:
        score = as_score(dataset.contract, column.name, drawn, outcome, seed)
        found.append(_feature(column, dataset.columns[column.name], dataset.outcome, strength(outcome, score)))
    return sorted(found, key=lambda one: -one.roc_auc)


def _feature(column: Column, values: NDArray[Any], outcome: BoolArray, area: float) -> Feature:
    if column.type != "category":
        gone = np.isnan(values)
        present = values[~gone]
        statistics, groups = number_statistics(present), number_groups(values, outcome)
        distinct = pl.Series(present).n_unique()
    else:
        gone = values < 0
        occurs = np.bincount(values[~gone], minlength=len(column.levels) + 1) > 0
        statistics = {"levels_unused": float((~occurs[:-1]).sum())}
        groups, distinct = category_groups(values, column.levels, outcome), int(occurs.sum())
    count = int(gone.sum())
    return Feature(column.name, column.type, count, count / len(values), distinct, area, statistics, groups)


def number_statistics(present: FloatArray) -> dict[str, float]:
    """Mean, spread and quartiles of numbers without missing ones; empty if there are none."""
    if not len(present):
        return {}
    low, first, middle, third, high = np.quantile(present, [0, 0.25, 0.5, 0.75, 1])
    return {
        "mean": float(present.mean()),
        "std": float(present.std(ddof=1)) if len(present) > 1 else 0.0,
        "minimum": float(low),
        "quartile_1": float(first),
        "median": float(middle),
        "quartile_3": float(third),
        "maximum": float(high),
        "zeros": float((present == 0).mean()),
    }
