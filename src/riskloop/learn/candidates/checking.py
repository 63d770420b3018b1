"""What every candidate promises: the contract that a package's own family can be held against in its tests."""

from __future__ import annotations

import pickle
from dataclasses import replace

import numpy as np

from riskloop.data.contract import Column, Contract
from riskloop.errors import UsageError
from riskloop.learn.block import Block
from riskloop.learn.candidates.candidate import Candidate
from riskloop.learn.crossfit import fit

_LEVELS = ("north", "south", "east", "west")
_PARITY = 1e-9


def check_candidate(candidate: Candidate, *, rows: int = 600, seed: int = 0) -> None:
    """Hold a candidate against what riskloop expects of every family.

    It learns from numbers and categories with missing and unknown values; its exported form gives its library's own
    predictions within 1e-9; the same seed gives the same bits; a row is predicted alike alone and among others; its
    defaults lie within its search space; it can be sent to another process; and where it says so, it keeps declared
    directions.

    Parameters
    ----------
    candidate : Candidate
    rows, seed : int
        Of the made-up table.

    Raises
    ------
    UsageError
        Naming the promise that does not hold.

    Examples
    --------
    >>> from riskloop.learn.candidates.linear import LOGISTIC_REGRESSION
    >>> check_candidate(LOGISTIC_REGRESSION)
    """
    block = _customers(rows, seed)
    everyone = np.ones(rows, dtype=bool)
    first, second = (fit(candidate, block, everyone, seed=seed) for _ in range(2))
    matrix = first.encoding.matrix(block.columns)
    margin = first.model.margin(matrix)
    _hold(bool(np.isfinite(margin).all()), candidate, "its log-odds are finite")
    _hold(margin.tobytes() == second.model.margin(matrix).tobytes(), candidate, "the same seed gives the same bits")
    gap = np.abs(_probability(margin) - _probability(first.library_margin(matrix))).max()
    _hold(bool(gap < _PARITY), candidate, f"its exported form predicts as its library does (off by {gap:.1e})")
    alone = np.concatenate([first.model.margin(matrix[row : row + 1]) for row in range(20)])
    _hold(alone.tobytes() == margin[:20].tobytes(), candidate, "a row is predicted alike alone and among others")
    _check_space(candidate)
    if candidate.monotone:
        _check_directions(candidate, block, seed)


def _check_space(candidate: Candidate) -> None:
    for name, bounds in candidate.space.items():
        value = candidate.parameters.get(name)
        _hold(isinstance(value, (int, float)), candidate, f"the searched parameter {name!r} has a default")
        _hold(bounds.low < bounds.high, candidate, f"the search for {name!r} has room")
    try:
        pickle.dumps(candidate)
    except Exception as error:
        raise _broken(candidate, "it can be sent to another process: define its functions in a module") from error


def _check_directions(candidate: Candidate, block: Block, seed: int) -> None:
    columns = tuple(replace(one, monotone="decreasing" if one.name == "age" else "") for one in block.contract.columns)
    directed = replace(block, contract=replace(block.contract, columns=columns))
    fitted = fit(candidate, directed, np.ones(len(block.outcome), dtype=bool), seed=seed)
    ages = np.linspace(10, 90, 50)
    for row in range(20):
        someone = {name: np.repeat(values[row], len(ages)) for name, values in block.columns.items()} | {"age": ages}
        margin = fitted.model.margin(fitted.encoding.matrix(someone))
        _hold(bool((np.diff(margin) <= 1e-9).all()), candidate, "it keeps the directions that a contract declares")


def _customers(rows: int, seed: int) -> Block:
    rng = np.random.default_rng(seed)
    contract = Contract(
        (
            Column("age"),
            Column("debt", nullable=True),
            Column("region", "category", levels=_LEVELS, nullable=True, unknown="bin"),
        ),
        ("age", "debt", "region"),
    )
    age, debt = rng.integers(18, 80, rows).astype(float), rng.gamma(2, 500, rows)
    region = rng.integers(-1, len(_LEVELS) + 1, rows).astype(np.int32)
    log_odds = 0.04 * (age - 50) + debt / 1000 + np.array([0.0, 1, -1, 0.5, 0, -0.5])[region] - 1
    columns = {"age": age, "debt": np.where(rng.random(rows) < 0.15, np.nan, debt), "region": region}
    return Block(contract, columns, rng.random(rows) < _probability(log_odds), (np.arange(rows) % 3).astype(np.int8))


def _probability(margin: np.ndarray) -> np.ndarray:
    return np.asarray(1 / (1 + np.exp(-np.clip(margin, -500, 500))))


def _hold(kept: bool, candidate: Candidate, promise: str) -> None:
    if not kept:
        raise _broken(candidate, promise)


def _broken(candidate: Candidate, promise: str) -> UsageError:
    return UsageError(
        f"{candidate.name} breaks a promise of every candidate: {promise}.",
        where=f"candidate {candidate.name!r}",
        next_step="see riskloop.learn.candidates.candidate.Candidate",
    )
