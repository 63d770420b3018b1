"""Fairness at the decision: how groups fare, which features stand for a group, and what else could lead."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import combinations, pairwise
from typing import Any, Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray

from riskloop.costs import BoolArray, Costs, FloatArray
from riskloop.data.leakage import as_score, strength
from riskloop.learn.block import Block
from riskloop.learn.candidates.linear import LOGISTIC_REGRESSION
from riskloop.learn.choice import Contender
from riskloop.learn.crossfit import crossfit
from riskloop.learn.evaluation.intervals import Interval, wilson
from riskloop.learn.evaluation.paired import PairedDifference, compare_costs
from riskloop.learn.evaluation.reliability import in_the_large

Favourable = Literal["pass", "act"]
Labels = Mapping[str, NDArray[np.str_]]
"""For each protected attribute the group of every row, shape (n,)."""

FOUR_FIFTHS = 0.8
"""A group whose favourable decisions come at less than this share of the best group's rate is adversely affected."""
TOGETHER = "all features together"
_LEAST_STRENGTH = 0.6
_MOST_PROXIES = 5
_LEAST_STEP = 0.01
_QUARTERS = (0.25, 0.5, 0.75)
_FEW_VALUES = 10
_MISSING = "(missing)"


@dataclass(frozen=True, slots=True)
class Group:
    """How the customers of one group fare on rows the model had not seen; intervals at 95 %.

    Attributes
    ----------
    attribute, level : str
        Of two attributes together, ``sex, race`` and ``female, black``.
    rows, positives : int
    favourable : Interval
        Share of favourable decisions (Wilson).
    ratio : Interval
        That share over the best group's; NaN where nobody has a favourable decision.
    tpr, fpr : Interval
        Share acted on among positives, and among negatives.
    calibration : Interval
        Positives observed per positive expected.
    """

    attribute: str
    level: str
    rows: int
    positives: int
    favourable: Interval
    ratio: Interval
    tpr: Interval
    fpr: Interval
    calibration: Interval

    @property
    def adverse(self) -> bool:
        """Whether the four-fifths rule is broken beyond noise."""
        return self.ratio.high < FOUR_FIFTHS

    def to_dict(self) -> dict[str, Any]:
        """Plain JSON values."""
        plain = {"attribute": self.attribute, "level": self.level, "rows": self.rows, "positives": self.positives}
        measured = ("favourable", "ratio", "tpr", "fpr", "calibration")
        return plain | {name: getattr(self, name).to_dict() for name in measured} | {"adverse": self.adverse}


@dataclass(frozen=True, slots=True)
class Proxy:
    """How well a feature tells a group from the others: ROC-AUC, where .5 says nothing and 1 everything."""

    attribute: str
    level: str
    feature: str
    roc_auc: float

    def to_dict(self) -> dict[str, Any]:
        """Plain JSON values."""
        return {name: getattr(self, name) for name in ("attribute", "level", "feature", "roc_auc")}


@dataclass(frozen=True, slots=True)
class Alternative:
    """A candidate under which the worst group would fare better, and what it would cost more per 1,000 customers."""

    name: str
    least_ratio: float
    chosen_ratio: float
    cost: PairedDifference

    def words(self, currency: str) -> str:
        """One sentence."""
        return (
            f"{self.name} would raise the least ratio from {self.chosen_ratio:.2f} to {self.least_ratio:.2f} at "
            f"{self.cost.mean:+,.0f} [{self.cost.low:,.0f}, {self.cost.high:,.0f}] {currency} per 1,000 customers."
        )

    def to_dict(self) -> dict[str, Any]:
        """Plain JSON values."""
        ratios = {"least_ratio": self.least_ratio, "chosen_ratio": self.chosen_ratio}
        return {"name": self.name, **ratios, "cost": self.cost.to_dict()}


@dataclass(frozen=True, slots=True)
class Fairness:
    """An audit of the decisions by protected attributes.

    Attributes
    ----------
    favourable : {"pass", "act"}
        Which decision customers would rather have.
    minimum_rows : int
        Groups below are counted and not judged.
    groups : list of Group
        On the test block: by attribute, then by two of them.
    small : dict of str to int
        Groups too small to judge, with their rows.
    proxies : list of Proxy
        On the training rows, the strongest first.
    alternatives : list of Alternative
        Out of fold, the cheapest first; each fairer than those before it.
    """

    favourable: Favourable
    minimum_rows: int
    groups: list[Group]
    small: dict[str, int]
    proxies: list[Proxy]
    alternatives: list[Alternative]

    def words(self, currency: str) -> list[str]:
        """What to say about it, a sentence each."""
        said = []
        for attribute in dict.fromkeys(group.attribute for group in self.groups if ", " not in group.attribute):
            worst = min(
                (group for group in self.groups if group.attribute == attribute),
                key=lambda group: math.inf if math.isnan(group.ratio.value) else group.ratio.value,
            )
            verdict = (
                "below four fifths beyond noise"
                if worst.adverse
                else "below four fifths, within noise"
                if worst.ratio.value < FOUR_FIFTHS
                else "above four fifths"
            )
            said.append(
                f"{attribute}: favourable decisions for {worst.level} come at {worst.ratio.value:.2f} "
                f"[{worst.ratio.low:.2f}, {worst.ratio.high:.2f}] of the best group's rate, {verdict}."
            )
        strongest = {proxy.attribute: proxy for proxy in reversed(self.proxies) if proxy.feature != TOGETHER}
        said += [
            f"{one.feature} tells {one.attribute} = {one.level} from the others with a ROC-AUC of {one.roc_auc:.2f}."
            for one in strongest.values()
        ]
        return said + [one.words(currency) for one in self.alternatives]

    def to_dict(self) -> dict[str, Any]:
        """Plain JSON values."""
        return {
            "favourable": self.favourable,
            "minimum_rows": self.minimum_rows,
            "groups": [one.to_dict() for one in self.groups],
            "small": dict(self.small),
            "proxies": [one.to_dict() for one in self.proxies],
            "alternatives": [one.to_dict() for one in self.alternatives],
        }


def grouped(values: Sequence[Any]) -> NDArray[np.str_]:
    """Groups of a protected attribute: its values, quarters where it is a number of many values.

    Parameters
    ----------
    values : sequence of str, float or None
        As they were read, shape (n,).
    """
    texts = np.array(["" if value is None else str(value).strip() for value in values])
    try:
        numbers = np.array([float(text) if text else math.nan for text in texts.tolist()])
    except ValueError:
        return np.where(texts == "", _MISSING, texts)
    known, gone = numbers[~np.isnan(numbers)], np.isnan(numbers)
    if len(np.unique(known)) <= _FEW_VALUES:
        return np.where(gone, _MISSING, np.array([f"{one:g}" for one in numbers.tolist()]))
    cuts = np.unique(np.quantile(known, _QUARTERS, method="lower"))
    between = [f"{low:g} to {high:g}" for low, high in pairwise(cuts.tolist())]
    named = np.array([f"up to {cuts[0]:g}", *between, f"above {cuts[-1]:g}", _MISSING])
    return named[np.where(gone, len(named) - 1, np.searchsorted(cuts, numbers, side="left").clip(0, len(cuts)))]


def group_table(
    labels: Labels,
    outcome: BoolArray,
    probability: FloatArray,
    act: BoolArray,
    *,
    favourable: Favourable = "pass",
    minimum_rows: int = 100,
) -> tuple[list[Group], dict[str, int]]:
    """How groups fare, by attribute and by two attributes together; and the groups too small to judge.

    Parameters
    ----------
    labels : mapping of str to str array, shape (n,)
    outcome, act : bool array, shape (n,)
    probability : float array, shape (n,)
    """
    table: list[Group] = []
    small: dict[str, int] = {}
    for attribute, each in _with_pairs(labels):
        levels, sizes = np.unique(each, return_counts=True)
        sized = dict(zip(levels.tolist(), sizes.tolist(), strict=True))
        small |= {f"{attribute} = {level}": rows for level, rows in sized.items() if rows < minimum_rows}
        judged = {level: each == level for level, rows in sized.items() if rows >= minimum_rows}
        if len(judged) < 2:
            continue
        good = {level: (act if favourable == "act" else ~act)[here] for level, here in judged.items()}
        best = max(good, key=lambda level: float(good[level].mean()))
        for level, here in judged.items():
            ratio = _ratio(good[level], good[best], same=level == best)
            group = _Rows(outcome[here], probability[here], act[here], good[level])
            table.append(_group(attribute, level, group, ratio))
    return table, small


def _with_pairs(labels: Labels) -> Iterator[tuple[str, NDArray[np.str_]]]:
    yield from labels.items()
    for one, other in combinations(labels, 2):
        yield f"{one}, {other}", np.char.add(np.char.add(labels[one], ", "), labels[other])


class _Rows(NamedTuple):
    outcome: BoolArray
    probability: FloatArray
    act: BoolArray
    good: BoolArray


def _group(attribute: str, level: str, of: _Rows, ratio: Interval) -> Group:
    rows, positives = len(of.outcome), int(of.outcome.sum())
    return Group(
        attribute=attribute,
        level=level,
        rows=rows,
        positives=positives,
        favourable=wilson(float(of.good.sum()), rows),
        ratio=ratio,
        tpr=wilson(float((of.act & of.outcome).sum()), positives),
        fpr=wilson(float((of.act & ~of.outcome).sum()), rows - positives),
        calibration=in_the_large(of.outcome, of.probability),
    )


def _ratio(group: BoolArray, best: BoolArray, *, same: bool) -> Interval:
    """Ratio of two rates with the interval of its logarithm (Katz et al., 1978)."""
    rate, highest = float(group.mean()), float(best.mean())
    if highest == 0:
        return Interval(math.nan, math.nan, math.nan)
    if same:
        return Interval(1.0, 1.0, 1.0)
    if rate == 0:  # no logarithm: the upper end of the rate's own interval over the best rate
        return Interval(0.0, 0.0, wilson(0, len(group)).high / highest)
    error = math.sqrt((1 - rate) / (len(group) * rate) + (1 - highest) / (len(best) * highest))
    value = rate / highest
    return Interval(value, value * math.exp(-1.96 * error), value * math.exp(1.96 * error))


def least_ratio(labels: Labels, good: BoolArray, minimum_rows: int) -> float:
    """The lowest ratio of a group's favourable rate to the best group's, over single attributes; 1 without groups."""
    least = 1.0
    for each in labels.values():
        names, place = np.unique(each, return_inverse=True)
        sizes = np.bincount(place)
        rates = [float(good[place == number].mean()) for number in range(len(names)) if sizes[number] >= minimum_rows]
        if len(rates) > 1 and max(rates) > 0:
            least = min(least, min(rates) / max(rates))
    return least


def find_proxies(labels: Labels, block: Block, *, minimum_rows: int, seed: int) -> list[Proxy]:
    """Features that stand for a group: each alone, and all together by a cross-fitted logistic regression.

    An attribute that is a feature itself, because the project allows it, does not count as its own proxy.
    """
    found: list[Proxy] = []
    for attribute, each in labels.items():
        others = tuple(name for name in block.contract.features if name != attribute)
        beside = replace(block, contract=replace(block.contract, features=others))
        for level in np.unique(each).tolist():
            member = each == level
            if min(int(member.sum()), int((~member).sum())) < minimum_rows:
                continue
            alone = [Proxy(attribute, level, name, _tells(block, name, member, seed)) for name in others]
            alone.sort(key=lambda one: -one.roc_auc)
            found += [one for one in alone[:_MOST_PROXIES] if one.roc_auc >= _LEAST_STRENGTH]
            if others and all(0 < member[held_out].sum() < held_out.sum() for _, held_out in block.parts()):
                margin = crossfit(LOGISTIC_REGRESSION, replace(beside, outcome=member), seed=seed).margin
                found.append(Proxy(attribute, level, TOGETHER, strength(member[block.judged], margin)))
    return sorted(found, key=lambda one: -one.roc_auc)


def _tells(block: Block, feature: str, member: BoolArray, seed: int) -> float:
    return strength(member, as_score(block.contract, feature, block.columns, member, seed))


def find_alternatives(
    labels: Labels,
    contenders: Sequence[Contender],
    chosen: Contender,
    outcome: BoolArray,
    costs: Costs,
    *,
    favourable: Favourable,
    minimum_rows: int,
    seed: int,
) -> list[Alternative]:
    """Candidates under which the worst group fares better, out of fold: the cheapest first, each fairer than the last.

    All arrays and labels are of the rows judged out of fold.
    """

    def decided(one: Contender) -> tuple[float, FloatArray]:
        act = one.policy.act(one.probability, costs)
        good = act if favourable == "act" else ~act
        return least_ratio(labels, good, minimum_rows), costs.each(outcome, act)

    own_ratio, own_cost = decided(chosen)
    others = []
    for one in contenders:
        ratio, cost = decided(one)
        if one is not chosen and ratio >= own_ratio + _LEAST_STEP:
            others.append(Alternative(one.name, ratio, own_ratio, compare_costs(cost, own_cost, seed=seed)))
    front: list[Alternative] = []
    for other in sorted(others, key=lambda other: (other.cost.mean, -other.least_ratio)):
        if not front or other.least_ratio >= front[-1].least_ratio + _LEAST_STEP:
            front.append(other)
    return front
