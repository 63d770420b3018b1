"""Explaining a training: whom reasons compare with, what belongs together, and what moves the model on the whole."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from riskloop.bundle.bundle import raw_rows
from riskloop.data.contract import Columns, Contract
from riskloop.errors import BundleRefused
from riskloop.scorer.explainer import Explainer
from riskloop.scorer.log_odds import logistic
from riskloop.scorer.scorer import Scorer

FloatArray = NDArray[np.float64]
BoolArray = NDArray[np.bool_]
BASELINE_ROWS = 100
EXPLAINED_ROWS = 1_000
WALKED_ROWS = 50
"""Of a forest that is too large for tables: a customer takes up to a second."""
ADDITIVITY = 1e-6
"""Largest difference in log-odds between a probability and what its contributions add up to."""
_EDGE = 1e-9
_RANKED_ROWS = 10_000


@dataclass(frozen=True, eq=False)
class Attributions:
    """What every feature adds to the log-odds of rows of the test block.

    Attributes
    ----------
    features : tuple of str
    base : float
        Log-odds of the baseline.
    shares : float array, shape (n, features)
    values : float array, shape (n, features)
        Numbers as they are, categories as codes; NaN where missing.
    additivity : float
        Largest difference in log-odds between probability and sum, over these rows.
    """

    features: tuple[str, ...]
    base: float
    shares: FloatArray
    values: FloatArray
    additivity: float

    @property
    def mean_share(self) -> dict[str, float]:
        """Mean size of what each feature adds, largest first: global importance."""
        sizes = np.abs(self.shares).mean(axis=0) if len(self.shares) else np.zeros(len(self.features))
        return dict(sorted(zip(self.features, sizes.tolist(), strict=True), key=lambda item: -item[1]))


def nobodys(
    contract: Contract, columns: Columns, rows: NDArray[np.intp], count: int, rng: np.random.Generator
) -> tuple[Columns, tuple[dict[str, Any], ...]]:
    """Customers whose values are real and whose combinations are not: of some rows, columns shuffled one by one.

    Returns
    -------
    columns : Columns
        Decoded.
    requests : tuple of dict
        The same as typed requests.
    """
    known = np.ones(len(rows), dtype=bool)
    for column in contract.read:
        if column.type == "category":
            known &= columns[column.name][rows] < len(column.levels)
    chosen = rng.permutation(rows[known])[:count]
    shuffled = {name: rng.permutation(values[chosen]) for name, values in columns.items()}
    return shuffled, tuple(raw_rows(contract, shuffled, range(len(chosen))))


def baseline_rows(probability: FloatArray, favoured: BoolArray, *, adverse_is_act: bool) -> NDArray[np.intp]:
    """Positions of the customers to compare with: those with the decision that customers would rather have.

    Where there are too few of them, the ones who came nearest to it.
    """
    rows = np.flatnonzero(favoured)
    if len(rows) >= BASELINE_ROWS:
        return rows
    return np.argsort(probability if adverse_is_act else -probability, kind="stable")[:BASELINE_ROWS]


def attribute(scorer: Scorer, baseline: Columns, columns: Columns, probability: FloatArray) -> Attributions:
    """Explain some rows, and prove that what is said adds up.

    Raises
    ------
    BundleRefused
        If it is off by more than 1e-6.
    """
    explainer = Explainer(scorer, baseline)
    rows = WALKED_ROWS if explainer.walks else EXPLAINED_ROWS
    some = {name: values[:rows] for name, values in columns.items()}
    explained = explainer.explain(some)
    off = gap(explained.base + explained.shares.sum(axis=1), probability[:rows])
    if not off <= ADDITIVITY:
        raise BundleRefused(
            f"What explains the model is off by {off:.3g} in log-odds (allowed {ADDITIVITY:g}).",
            where="additivity",
            next_step="please report this: the model must not be explained so",
        )
    return Attributions(explainer.features, explained.base, explained.shares, raw_matrix(scorer, some), off)


def gap(told: FloatArray, probability: FloatArray) -> float:
    """Largest difference between log-odds and those of probabilities; where these are so near to 0 or 1 that they no
    longer tell log-odds apart, between the probabilities."""
    inside = np.clip(probability, _EDGE, 1 - _EDGE)
    in_odds = np.abs(told - (np.log(inside) - np.log1p(-inside)))
    in_probability = np.abs(logistic(told) - probability)
    return float(np.where(inside == probability, in_odds, in_probability).max(initial=0.0))


def raw_matrix(scorer: Scorer, columns: Columns) -> FloatArray:
    """Every feature before it is encoded, shape (n, features): categories as codes, NaN where missing."""
    lines = {}
    for block in scorer.encoding.blocks:
        if block.source not in lines:
            values = block.formula.evaluate(columns) if block.formula else columns[block.source]
            as_float = values.astype(np.float64)
            if not block.formula and scorer.contract.by_name[block.source].type == "category":
                as_float[values < 0] = np.nan
            lines[block.source] = as_float
    return np.array(list(lines.values())).T


def business_reasons(
    attributions: Attributions,
    scorer: Scorer,
    columns: Columns,
    declared: Mapping[str, tuple[str, ...]],
    *,
    correlated: float,
) -> dict[str, tuple[str, ...]]:
    """Features that are one business reason: those declared, and of the others what is nearly the same.

    Numbers whose ranks correlate as much as ``correlated`` belong together; a derived feature belongs to that of its
    inputs with which it correlates most. A reason that is not declared has the name of its weightiest feature.
    """
    taken = {feature for features in declared.values() for feature in features}
    numbers, ranks = _ranks(scorer, columns, taken)
    likeness = np.abs(np.corrcoef(ranks)) if len(numbers) > 1 else np.zeros((len(numbers), len(numbers)))
    parent = list(range(len(numbers)))

    def root(at: int) -> int:
        while parent[at] != at:
            at = parent[at]
        return at

    for one, other in zip(*np.nonzero(np.triu(likeness >= correlated, 1)), strict=True):
        parent[root(int(other))] = root(int(one))
    place = {name: at for at, name in enumerate(numbers)}
    for block in scorer.encoding.blocks:
        inputs = [place[name] for name in (block.formula.names if block.formula else ()) if name in place]
        if inputs and block.source in place:
            at = place[block.source]
            parent[root(at)] = root(max(inputs, key=lambda one: likeness[at, one]))
    together: dict[int, list[str]] = {}
    for at, name in enumerate(numbers):
        together.setdefault(root(at), []).append(name)
    weight = attributions.mean_share
    found = {max(names, key=lambda name: weight[name]): tuple(names) for names in together.values() if len(names) > 1}
    return {**declared, **found}


def _ranks(scorer: Scorer, columns: Columns, taken: set[str]) -> tuple[list[str], FloatArray]:
    """Numbers that vary and are not taken, and their ranks, shape (numbers, n); the missing are in the middle."""
    from scipy.stats import rankdata

    some = {name: values[:_RANKED_ROWS] for name, values in columns.items()}
    names, lines = [], []
    for block in {block.source: block for block in scorer.encoding.blocks}.values():
        number = block.formula or scorer.contract.by_name[block.source].type == "number"
        if not number or block.source in taken:
            continue
        values = block.formula.evaluate(some) if block.formula else some[block.source]
        known = ~np.isnan(values)
        ranks = np.full(len(values), (known.sum() + 1) / 2)
        ranks[known] = rankdata(values[known])
        if ranks.std() > 0:
            names.append(block.source)
            lines.append(ranks)
    return names, np.array(lines).reshape(len(names), -1)
