"""The Bundle: Scorer + Policy + reference profile + card, as one thing that is deployed, verified and served."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from riskloop.data.contract import Columns, Contract, Decoded
from riskloop.data.dates import text_of
from riskloop.data.linked.plan import Plan
from riskloop.decide.policy import Policy
from riskloop.decide.reasons import Rules
from riskloop.errors import BundleRefused, ContractError
from riskloop.scorer.scorer import Scorer

FloatArray = NDArray[np.float64]
PARITY = 1e-9
"""Largest difference in probability between training and service."""


@dataclass(frozen=True)
class Golden:
    """Requests with the probabilities that training gave them: a bundle that answers otherwise is refused."""

    requests: tuple[dict[str, Any], ...]
    probability: tuple[float, ...]


@dataclass(frozen=True)
class Bundle:
    """What decides.

    Attributes
    ----------
    name : str
        The project.
    scorer : Scorer
    policy : Policy
    golden : Golden
    profile : dict
        Reference profile of the training rows: no raw rows.
    card : dict
        Facts about the model: family, metrics with intervals, costs, data fingerprint.
    linked : Plan
        How the features that come from linked tables are made.
    rules : Rules
        What may be named as a reason.
    baseline : tuple of dict
        Typed requests of the customers that reasons compare with: real values in combinations of nobody.
    digest : str
        sha256 of the manifest; empty before packing.
    """

    name: str
    scorer: Scorer
    policy: Policy
    golden: Golden
    profile: dict[str, Any] = field(default_factory=dict)
    card: dict[str, Any] = field(default_factory=dict)
    linked: Plan = field(default_factory=Plan)
    rules: Rules = field(default_factory=Rules)
    baseline: tuple[dict[str, Any], ...] = ()
    digest: str = ""

    @property
    def contract(self) -> Contract:
        return self.scorer.contract

    def score(self, rows: Sequence[Mapping[str, object]], *, typed: bool = True) -> tuple[FloatArray, Decoded]:
        """Probabilities of raw rows, shape (n,), NaN where a row breaks the contract."""
        decoded = self.contract.decode_rows(rows, typed=typed)
        probability = self.scorer.probability(decoded.columns)
        if decoded.breaches:
            probability = np.where(decoded.broken(), np.nan, probability)
        return probability, decoded

    def check_golden(self) -> None:
        """Answer the golden requests.

        Raises
        ------
        BundleRefused
            If an answer is off by more than `PARITY`, or a request no longer fits the contract.
        """
        probability, decoded = self.score(self.golden.requests)
        if decoded.breaches:
            raise BundleRefused(f"A golden request breaks the contract: {decoded.breaches[0].message}.", where="golden")
        off = float(np.abs(probability - np.array(self.golden.probability)).max(initial=0.0))
        if not off <= PARITY:
            raise BundleRefused(f"The golden requests are off by {off:.3g} (allowed {PARITY:g}).", where="golden")


def raw_rows(contract: Contract, columns: Columns, positions: Sequence[int]) -> list[dict[str, Any]]:
    """Decoded rows written back as typed requests: what a caller would send over HTTP.

    Raises
    ------
    ContractError
        If a category was decoded into the unknown bin: its text is not known any more.
    """
    return [{column.name: _raw(column, columns[column.name][row]) for column in contract.read} for row in positions]


def _raw(column: Any, value: Any) -> Any:
    if column.type != "category" and np.isnan(value):
        return None
    if column.type == "number":
        return float(value)
    if column.type == "date":
        return text_of(value)
    if value < 0:
        return None
    if value >= len(column.levels):
        raise ContractError("An unknown category cannot be written back.", where=f"column {column.name!r}")
    return column.levels[int(value)]
