"""Performance estimated before outcomes are known: what calibrated probabilities say of themselves (CBPE).

If of the customers with a probability of .2 one in five turns out positive, then expected confusion, ROC-AUC and cost
follow from the probabilities and the decisions alone. The estimate is as good as the calibration: where the world has
changed so that it no longer holds (concept drift), nothing but outcomes can tell.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from riskloop.costs import BoolArray, Costs, FloatArray
from riskloop.decide.policy import Policy
from riskloop.intervals import Z95, Interval
from riskloop.watch.column_drift import Reason

OTHERWISE = 0.05
"""Share of decisions that are not the policy's, up to which what they cost is held against its promise."""


@dataclass(frozen=True, slots=True)
class Estimated:
    """What is to be expected of n decisions.

    Attributes
    ----------
    n : int
    metrics : dict of Interval
        ``prevalence``, ``act_rate``, ``accuracy``, ``precision``, ``recall``, ``f1``, ``roc_auc`` and
        ``cost_per_thousand``. Each interval is where the realised value lies with 95 % confidence, if the calibration
        holds: rows and outcomes are random, the probabilities are taken as they are.
    confusion : dict of float
        Expected rows, ``tp``, ``fp``, ``fn`` and ``tn``.
    """

    n: int
    metrics: dict[str, Interval]
    confusion: dict[str, float]

    def to_dict(self) -> dict[str, Any]:
        """Plain JSON values; what is not defined is None."""
        told = {name: interval.to_dict() for name, interval in self.metrics.items()}
        return {"n": self.n, "metrics": told, "confusion": dict(self.confusion)}


def estimate(probability: FloatArray, act: BoolArray, costs: tuple[FloatArray, FloatArray]) -> Estimated:
    """Expected performance of decisions whose outcomes are not known yet.

    Parameters
    ----------
    probability : float array, shape (n,)
        Calibrated.
    act : bool array, shape (n,)
    costs : (float array, float array), shape (n,)
        What each decision costs if the customer turns out positive, and if not; see `both_ways`.

    Notes
    -----
    Ratios and the ROC-AUC are linearised (delta method; for the ROC-AUC the projection of DeLong, 1988, weighted by the
    probabilities).
    """
    p, one, nothing = probability, np.ones(len(probability)), np.zeros(len(probability))
    acted = act.astype(np.float64)
    positive, negative = costs
    found = {
        "prevalence": _ratio(p, (one, nothing), (one, one)),
        "act_rate": _ratio(p, (acted, acted), (one, one)),
        "accuracy": _ratio(p, (acted, 1 - acted), (one, one)),
        "precision": _ratio(p, (acted, nothing), (acted, acted)),
        "recall": _ratio(p, (acted, nothing), (one, nothing)),
        "f1": _ratio(p, (2 * acted, nothing), (acted + 1, acted)),
        "roc_auc": _roc_auc(p),
    }
    cost = _ratio(p, (positive, negative), (one, one))
    metrics = {name: Interval(i.value, max(0.0, i.low), min(1.0, i.high)) for name, i in found.items()}
    metrics["cost_per_thousand"] = Interval(cost.value * 1000, cost.low * 1000, cost.high * 1000)
    tp, positives = float(p[act].sum()), float(p.sum())
    confusion = {"tp": tp, "fp": float(act.sum()) - tp, "fn": positives - tp}
    return Estimated(len(p), metrics, confusion | {"tn": len(p) - sum(confusion.values())})


def fallen(promised: Mapping[str, Any], realised: Mapping[str, Any], *, otherwise: float = 0.0) -> tuple[Reason, ...]:
    """Where what came true is worse than what was promised by more than both intervals allow.

    Parameters
    ----------
    promised, realised : mapping of str to mapping
        Metrics as plain values, with ``value``, ``low`` and ``high``.
    otherwise : float
        Share of decisions that are not the policy's: a worklist's, or explored. Beyond 5 % what they cost is not held
        against what was promised of the policy.
    """
    found = []
    for name, better in (("roc_auc", 1), ("cost_per_thousand", -1)):
        if name == "cost_per_thousand" and otherwise > OTHERWISE:
            continue
        before, now = promised.get(name), realised.get(name)
        ends = [one[end] for one in (before, now) if one for end in ("low", "high")]
        if not before or not now or len(ends) < 4 or None in ends:
            continue
        worse = now["high"] < before["low"] if better > 0 else now["low"] > before["high"]
        if worse:
            found.append(Reason(f"fallen_{name}", {"promised": dict(before), "realised": dict(now)}))
    return tuple(found)


def both_ways(
    policy: Policy, act: BoolArray, reviewed: BoolArray, costs: Costs, rows: int
) -> tuple[FloatArray, FloatArray]:
    """What each of n decisions costs if the outcome is positive, and if it is not, shape (n,)."""
    ways = []
    for positive in (True, False):
        outcome = np.full(rows, positive)
        cost = costs.each(outcome, act)
        if policy.review is not None:
            cost = np.where(reviewed, policy.review.each(outcome, costs), cost)
        ways.append(np.broadcast_to(cost, (rows,)))
    return ways[0], ways[1]


def _ratio(p: FloatArray, over: tuple[FloatArray, FloatArray], under: tuple[FloatArray, FloatArray]) -> Interval:
    """Sum of one thing over the sum of another; each given for a positive and for a negative."""
    n = len(p)
    whole = float((p * under[0] + (1 - p) * under[1]).sum())
    if not n or not whole:
        return Interval(math.nan, math.nan, math.nan)
    value = float((p * over[0] + (1 - p) * over[1]).sum()) / whole
    square = p * (over[0] - value * under[0]) ** 2 + (1 - p) * (over[1] - value * under[1]) ** 2
    half = Z95 * math.sqrt(float(square.sum())) / whole
    return Interval(value, value - half, value + half)


def _roc_auc(p: FloatArray) -> Interval:
    """Chance that a random positive has the higher probability, ties counting half."""
    positives, negatives = float(p.sum()), float((1 - p).sum())
    if not len(p) or not positives or not negatives:
        return Interval(math.nan, math.nan, math.nan)
    values, group = np.unique(p, return_inverse=True)
    good = np.bincount(group, weights=p, minlength=len(values)) / positives
    bad = np.bincount(group, weights=1 - p, minlength=len(values)) / negatives
    below = (np.cumsum(bad) - bad / 2)[group]
    above = (1 - np.cumsum(good) + good / 2)[group]
    value = float((p * below).sum()) / positives
    n = len(p)
    square = p * ((below - value) / positives) ** 2 + (1 - p) * ((above - value) / negatives) ** 2
    half = Z95 * math.sqrt(float(square.sum()) * n / max(n - 1, 1))
    return Interval(value, value - half, value + half)
