"""Experiments looked at every day: false alarms where nothing differs, and customers needed where something does.

Run: ``python -m benchmarks.experiments [EXPERIMENTS]``.
"""

from __future__ import annotations

import json
import math
import os
import sys
import time
from collections import Counter
from dataclasses import dataclass
from statistics import NormalDist
from typing import Any

import numpy as np

from riskloop.intervals import wilson
from riskloop.watch.experiment import Design, Tally, difference, rounded
from riskloop.watch.power import Drawn, needed

DAYS = 60
COSTS = np.array([0.0, 1.0, 10.0])
"""A right decision, a needless action, a missed positive: FN = 10 FP."""
USUAL = np.array([0.78, 0.20, 0.02])
FLAT = np.array([0.80, 0.20, 0.00])
RARE = np.array([0.98, 0.00, 0.02])
"""As dear in the mean as FLAT, by rare misses alone."""
Shares = np.ndarray[Any, Any]


@dataclass(frozen=True)
class Case:
    """Experiments of one kind in which the arms cost the same in the mean."""

    name: str
    champion: Shares
    challenger: Shares
    a_day: int
    share: float
    heavy: bool = False


NULLS = (
    Case("FN = 10 FP", USUAL, USUAL, 1_000, 0.5),
    Case("FN = 10 FP", USUAL, USUAL, 200, 0.1),
    Case("FN = 10 FP, few a day", USUAL, USUAL, 20, 0.2),
    Case("a champion that acts, a challenger that misses", FLAT, RARE, 200, 0.1),
    Case("a champion that misses, a challenger that acts", RARE, FLAT, 200, 0.1),
    Case("amounts of each customer, heavy-tailed", USUAL, USUAL, 500, 0.2, heavy=True),
)
EFFECTS = {
    "half the misses": np.array([0.79, 0.20, 0.01]),
    "a third of the misses less": np.array([0.7867, 0.20, 0.0133]),
    "a seventh of the misses less": np.array([0.7829, 0.20, 0.0171]),
}


def design(share: float, shares: Shares, planned: int, span: float = 10.0, spread: float | None = None) -> Design:
    """As `riskloop ab start` makes one, comparing all."""
    mean = float(shares @ COSTS)
    deviation = spread or math.sqrt(float(shares @ (COSTS - mean) ** 2))
    return Design(share, -mean, span - mean, span, deviation, planned=planned)


class Asked:
    """Whether an experiment tells a difference of the means, by its tally: faster than the whole interval."""

    def __init__(self, made: Design, residuals: np.ndarray[Any, Any]) -> None:
        weights = np.array(made.weights)
        self._made, self._z = made, (weights[:, None] * np.clip(residuals, made.low, made.high)).ravel()
        self._logs = [np.log1p(np.outer(side, stakes)) for side, (stakes, _) in self._sides()]

    def _sides(self) -> list[tuple[np.ndarray[Any, Any], tuple[Any, Any]]]:
        return list(zip((self._z, -self._z), self._made.stakes, strict=True))

    def told(self, counts: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
        """For counts of shape (looks, 2 x residuals): at which of the looks 0 is refuted."""
        rich = math.log(2 / self._made.level)
        found = np.zeros(len(counts), dtype=bool)
        for logs, (_, (_, weights)) in zip(self._logs, self._sides(), strict=True):
            capital = counts @ logs + weights
            top = capital.max(axis=1)
            found |= top + np.log(np.exp(capital - top[:, None]).sum(axis=1)) >= rich
        return found


def t_test(
    n: np.ndarray[Any, Any], total: np.ndarray[Any, Any], squares: np.ndarray[Any, Any], level: float
) -> np.ndarray[Any, Any]:
    """Welch's test of the means (normal) at each look; arrays of shape (looks, 2)."""
    with np.errstate(divide="ignore", invalid="ignore"):
        mean = total / n
        variance = (squares / n - mean**2) / (n - 1)
        z = np.abs(mean[:, 1] - mean[:, 0]) / np.sqrt(variance.sum(axis=1))
    return np.asarray((n.min(axis=1) >= 2) & (z > NormalDist().inv_cdf(1 - level / 2)))


def draw(case: Case, rng: np.random.Generator, days: int) -> np.ndarray[Any, Any]:
    """Customers so far at the end of each day, by arm and cost, shape (days, 2, 3)."""
    both = np.concatenate([(1 - case.share) * case.champion, case.share * case.challenger])
    return np.cumsum(rng.multinomial(case.a_day, both, size=days), axis=0).reshape(days, 2, len(COSTS))


def null(case: Case, experiments: int, rng: np.random.Generator) -> dict[str, Any]:
    """How often a difference is told at any of the daily looks where there is none."""
    alarms: Counter[str] = Counter()
    mean = float(case.champion @ COSTS)
    asked = Asked(design(case.share, case.champion, 28 * case.a_day), COSTS - mean)
    for _ in range(experiments):
        if case.heavy:
            looks = heavy(case, rng)
        else:
            counts = draw(case, rng, DAYS)
            looks = asked.told(counts.reshape(DAYS, -1)), counts.sum(axis=2), counts @ COSTS, counts @ COSTS**2
        ours, n, total, squares = looks
        each = t_test(n, total, squares, 0.05)
        alarms["ours"] += bool(ours.any())
        alarms["t_daily"] += bool(each.any())
        alarms["t_once"] += bool(each[-1])
    told = {name: wilson(alarms[name], experiments).to_dict() for name in ("ours", "t_daily", "t_once")}
    return {"case": case.name, "a_day": case.a_day, "share": case.share, "days": DAYS, **told}


def heavy(case: Case, rng: np.random.Generator) -> tuple[np.ndarray[Any, Any], ...]:
    """Costs that are lognormal amounts times the price; the largest that counts in full is 2,000 times the median."""
    customers = case.a_day * DAYS
    amount = rng.lognormal(0, 1.5, customers)
    cost = amount * rng.choice(COSTS, customers, p=case.champion)
    arm = rng.random(customers) < case.share
    span, mean = 2_000.0, float(case.champion @ COSTS) * math.exp(1.125)
    residual = rounded(cost - mean, span, rng.random(customers))
    values, place = np.unique(residual, return_inverse=True)
    made = Design(case.share, -mean, span - mean, span, 20.0, planned=28 * case.a_day)
    day = np.arange(customers) // case.a_day
    counts = np.zeros((DAYS, 2, len(values)))
    np.add.at(counts, (day, arm.astype(int), place), 1)
    counts = np.cumsum(counts, axis=0)

    def sums(what: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
        found = np.zeros((DAYS, 2))
        np.add.at(found, (day, arm.astype(int)), what)
        return np.cumsum(found, axis=0)

    told = Asked(made, values).told(counts.reshape(DAYS, -1))
    return told, sums(np.ones(customers)), sums(cost), sums(cost**2)


def power(name: str, challenger: Shares, share: float, experiments: int, rng: np.random.Generator) -> dict[str, Any]:
    """Customers until a difference is told, beside a test with one look at the end and 80 % power."""
    effect = float((challenger - USUAL) @ COSTS)
    variances = [float(one @ COSTS**2 - (one @ COSTS) ** 2) for one in (USUAL, challenger)]
    z = NormalDist().inv_cdf
    fixed = (z(0.975) + z(0.8)) ** 2 * (variances[1] / share + variances[0] / (1 - share)) / effect**2
    a_day = max(1, round(fixed / 20))  # the fixed test would take 20 days
    case = Case(name, USUAL, challenger, a_day, share)
    made = design(share, USUAL, round(fixed))
    asked, looks = Asked(made, COSTS - float(USUAL @ COSTS)), 200
    residual = COSTS - float(USUAL @ COSTS)
    z_values = np.concatenate([made.weights[0] * residual, made.weights[1] * residual])
    chances = np.concatenate([(1 - share) * USUAL, share * challenger])
    stopped = []
    for _ in range(experiments):
        told = asked.told(draw(case, rng, looks).reshape(looks, -1))
        stopped.append((int(told.argmax()) + 1) * a_day if told.any() else math.inf)
    found = np.array(stopped)
    return {
        "effect": name,
        "difference": round(effect, 4),
        "share": share,
        "fixed": round(fixed),
        "mean": round(float(np.minimum(found, looks * a_day).mean())),
        "median": float(np.median(found)),
        "by_fixed": float((found <= fixed).mean()),
        "eight_in_ten": float(np.quantile(found, 0.8)),
        "planned_for_80": round(needed(effect, made, drawn=Drawn.of(z_values, chances)).customers),
    }


def stronger(factor: float, experiments: int, rng: np.random.Generator) -> dict[str, Any]:
    """A fixed test is made for the least difference worth telling; the true one is larger: what a look a day saves."""
    least = np.array([0.7829, 0.20, 0.0171])
    true = USUAL + factor * (least - USUAL)
    one = power(f"{factor:g} times the least", true, 0.5, 1, rng)
    made_for = power("least", least, 0.5, 1, rng)["fixed"]
    a_day, looks = max(1, round(made_for / 20)), 200
    asked = Asked(design(0.5, USUAL, made_for), COSTS - float(USUAL @ COSTS))
    stopped = []
    for _ in range(experiments):
        told = asked.told(draw(Case("", USUAL, true, a_day, 0.5), rng, looks).reshape(looks, -1))
        stopped.append((int(told.argmax()) + 1 if told.any() else looks) * a_day)
    mean = float(np.mean(stopped))
    return {
        "factor": factor,
        "difference": one["difference"],
        "fixed": made_for,
        "mean": round(mean),
        "saved": 1 - mean / made_for,
    }


def decisions(differing: float, experiments: int, rng: np.random.Generator) -> dict[str, Any]:
    """The same challenger judged by all customers, and by those alone whom the two decide about differently."""
    misses, a_day, share = 0.10, 500, 0.5  # of those decided differently the champion misses one in ten more
    effect = differing * misses * -10 + differing * misses * 1
    found: dict[str, list[int]] = {"all": [], "decisions": []}
    other = np.array([0.30, 0.60, 0.10])  # of those decided differently, under the champion
    better = other + np.array([0.0, misses, -misses])
    champion = (1 - differing) * USUAL + differing * other
    mean, same = float(champion @ COSTS), float(other @ COSTS)
    wide = design(share, champion, 20_000)
    narrow = Design(share, -10.0, 10.0, 10.0, math.sqrt(differing * float(other @ (COSTS - same) ** 2)), planned=20_000)
    ways = {"all": Asked(wide, COSTS - mean), "decisions": Asked(narrow, np.append(COSTS - same, 0.0))}
    looks = 400
    for _ in range(experiments):
        apart = np.stack([(1 - share) * other, share * better]) * differing
        alike = np.stack([(1 - share) * USUAL, share * USUAL]) * (1 - differing)
        drawn = np.cumsum(rng.multinomial(a_day, np.concatenate([apart.ravel(), alike.ravel()]), size=looks), axis=0)
        parts = drawn.reshape(looks, 2, 2, len(COSTS))
        counts = {
            "all": parts.sum(axis=1),
            "decisions": np.concatenate([parts[:, 0], parts[:, 1].sum(-1)[..., None]], -1),
        }
        for name, asked in ways.items():
            told = asked.told(counts[name].reshape(looks, -1))
            found[name].append((int(told.argmax()) + 1 if told.any() else looks) * a_day)
    means = {name: round(float(np.mean(some))) for name, some in found.items()}
    return {"differing": differing, "difference": round(effect, 4), **means}


def speed() -> dict[str, Any]:
    """A million customers of sixty days: a look a day, from counts."""
    rng, made = np.random.default_rng(5), design(0.5, USUAL, 500_000)
    days, total, seconds = draw(NULLS[0], rng, DAYS), Tally(), 0.0
    for so_far in days:
        total = Tally()
        for arm in (0, 1):
            for cost, count in zip(COSTS, so_far[arm], strict=True):
                total.add(arm, float(cost - USUAL @ COSTS), float(cost), int(count))
        started = time.perf_counter()
        difference(total, made)
        seconds += time.perf_counter() - started
    return {"looks": DAYS, "seconds": round(seconds, 3)}


def main() -> None:
    experiments = int(sys.argv[1]) if sys.argv[1:] else 2_000
    rng = np.random.default_rng(42)
    results = {
        "load": round(os.getloadavg()[0], 1),
        "experiments": experiments,
        "nulls": [null(case, experiments, rng) for case in NULLS],
        "power": [
            power(name, shares, share, experiments, rng) for share in (0.5, 0.2) for name, shares in EFFECTS.items()
        ],
        "stronger": [stronger(factor, experiments, rng) for factor in (1.0, 1.5, 2.0, 3.0)],
        "decisions": [decisions(share, experiments // 4, rng) for share in (0.05, 0.1, 0.2)],
        "speed": speed(),
    }
    print(json.dumps({"benchmark": "experiments", "results": results}))


if __name__ == "__main__":
    main()
