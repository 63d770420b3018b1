"""The Reasoner: what each feature adds to a customer's log-odds under a bundle, and the reasons that are named."""

from __future__ import annotations

import threading
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from riskloop.bundle.bundle import Bundle
from riskloop.data.contract import Columns, Contract
from riskloop.decide.reason_texts import Value
from riskloop.decide.reasons import Feature, Namer, Reason
from riskloop.scorer.encoding import Block
from riskloop.scorer.explainer import Explainer

FloatArray = NDArray[np.float64]
OTHER = "(other)"
"""Stands for a level that the contract does not know."""


@dataclass(frozen=True)
class Explanation:
    """A decision about one customer, taken apart.

    Attributes
    ----------
    base : float
        Log-odds that the baseline stands for.
    contributions : mapping of str to float
        What each feature adds to them; with the base they are the log-odds of the probability served.
    values, typical : mapping of str to float, str or None
        Of each feature: the customer's, and the baseline's.
    reasons : tuple of Reason
        Those that push towards the adverse decision.
    """

    base: float
    contributions: Mapping[str, float]
    values: Mapping[str, Value]
    typical: Mapping[str, Value]
    reasons: tuple[Reason, ...]


class Reasoner:
    """Explains what a bundle says. Making it costs nothing: its tables are built when it is first asked, once.

    Parameters
    ----------
    bundle : Bundle
    """

    def __init__(self, bundle: Bundle) -> None:
        self._bundle = bundle
        self._turn = threading.Lock()
        self._ready: tuple[Explainer, Namer, tuple[Feature, ...]] | None = None

    @property
    def contract(self) -> Contract:
        """That of the bundle."""
        return self._bundle.contract

    def adverse(self, decision: str) -> bool:
        """Whether a decision is the one that customers would rather not have."""
        acts, passes = self._bundle.policy.labels
        return decision == (acts if self._bundle.rules.adverse == "act" else passes)

    @property
    def quick(self) -> bool:
        """Whether reasons for one customer take about a millisecond: tables are built, and no forest is walked."""
        made = self._ready
        return made is not None and not made[0].walks

    @property
    def explainer(self) -> Explainer:
        """Takes probabilities apart; may be shared between threads."""
        return self._made()[0]

    @property
    def features(self) -> tuple[Feature, ...]:
        """What can be a reason, in the order of the contributions."""
        return self._made()[2]

    def reasons(self, columns: Columns) -> list[tuple[Reason, ...]]:
        """The reasons for an adverse decision about each of n customers, given by their decoded columns."""
        explainer, namer, _ = self._made()
        shares, values = explainer.explain(columns).shares, self._values(columns)
        return [namer.reasons(shares[row].tolist(), values[row]) for row in range(len(shares))]

    def explain(self, columns: Columns) -> list[Explanation]:
        """The decisions about n customers, taken apart."""
        explainer, namer, features = self._made()
        explained, values = explainer.explain(columns), self._values(columns)
        names = [feature.name for feature in features]
        typical = {feature.name: feature.typical for feature in features}
        return [
            Explanation(
                base=explained.base,
                contributions=dict(zip(names, shares, strict=True)),
                values=dict(zip(names, values[row], strict=True)),
                typical=typical,
                reasons=namer.reasons(shares, values[row]),
            )
            for row, shares in enumerate(explained.shares.tolist())
        ]

    @cached_property
    def _sources(self) -> tuple[Block, ...]:
        """A block of each feature."""
        return tuple({block.source: block for block in self._bundle.scorer.encoding.blocks}.values())

    def _values(self, columns: Columns) -> list[tuple[Value, ...]]:
        """The customers' values of every feature, row by row."""
        return list(zip(*(self._read(block, columns) for block in self._sources), strict=True))

    def _read(self, block: Block, columns: Columns) -> list[Value]:
        if block.formula or self._bundle.contract.by_name[block.source].type != "category":
            return [None if value != value else value for value in raw_values(block, columns).tolist()]
        levels = self._bundle.contract.by_name[block.source].levels
        told: list[Value] = [*levels, OTHER, None]  # of unknown and missing levels: code -1 is the last
        return [told[code] for code in columns[block.source].tolist()]

    def _made(self) -> tuple[Explainer, Namer, tuple[Feature, ...]]:
        with self._turn:
            if self._ready is None:
                baseline = decoded_baseline(self._bundle)
                features = tuple(self._feature(block, baseline) for block in self._sources)
                self._ready = (
                    Explainer(self._bundle.scorer, baseline),
                    Namer(self._bundle.rules, features),
                    features,
                )
        return self._ready

    def _feature(self, block: Block, baseline: Columns) -> Feature:
        if block.formula:
            return Feature(block.source, block.formula.names, typical=_median(block.formula.evaluate(baseline)))
        column = self._bundle.contract.by_name[block.source]
        typical = _most_frequent(self._read(block, baseline))
        if column.type != "category":
            typical = _median(baseline[block.source])
        return Feature(block.source, (block.source,), column.monotone, typical)


def raw_values(block: Block, columns: Columns) -> NDArray[Any]:
    """What a feature is before it is encoded, shape (n,)."""
    return block.formula.evaluate(columns) if block.formula else columns[block.source]


def decoded_baseline(bundle: Bundle) -> Columns:
    """The customers that a bundle compares with, as decoded columns."""
    return bundle.contract.decode_rows(bundle.baseline).columns


def _median(values: FloatArray) -> float | None:
    known = values[~np.isnan(values)]
    return float(np.quantile(known, 0.5, method="lower")) if len(known) else None


def _most_frequent(values: Sequence[Value]) -> Value:
    known = [value for value in values if value is not None]
    return max(sorted(map(str, set(known))), key=known.count) if known else None
