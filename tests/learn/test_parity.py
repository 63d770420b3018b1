from __future__ import annotations

import numpy as np
import pytest

from riskloop.bundle.bundle import PARITY
from riskloop.data.contract import Column, Columns, Contract
from riskloop.errors import DataError
from riskloop.learn.candidates.candidate import Candidate
from riskloop.learn.candidates.families import FAMILIES
from riskloop.learn.crossfit import Block, fit
from riskloop.learn.parity import library_margin
from riskloop.scorer.calibration import Calibration

NONE = Calibration()


def probe(block: Block) -> Columns:
    """Every row of the block, rows never seen, and rows where all is missing, unknown, zero or far outside."""
    odd = {
        "age": [18.0, 18.0, 0.0, 1e6, 79.0],
        "debt": [np.nan, 0.0, 0.0, 1e15, 1e-12],
        "income": [np.nan, 0.0, 0.0, -1e15, np.nan],
        "region": [-1, 4, 0, 4, -1],
        "married": [0, 1, 2, 0, 1],
    }
    shuffled = {name: np.random.default_rng(i).permutation(block.columns[name]) for i, name in enumerate(odd)}
    return {
        name: np.concatenate([block.columns[name], shuffled[name], np.array(values, block.columns[name].dtype)])
        for name, values in odd.items()
    }


@pytest.mark.parametrize("candidate", FAMILIES, ids=lambda candidate: candidate.name)
def test_what_serves_answers_as_the_library_does(block, candidate: Candidate):
    fitted = fit(candidate, block, block.fold > 0, seed=5, threads=2)
    matrix = fitted.encoding.matrix(probe(block))
    library = library_margin(fitted.estimator, matrix, fitted.encoding.categorical)
    ours = fitted.model.margin(matrix)
    assert np.abs(NONE.probability(ours) - NONE.probability(library)).max() < PARITY
    assert np.ptp(ours) > 0.5, "a constant would agree with anything"


@pytest.mark.parametrize("candidate", FAMILIES, ids=lambda candidate: candidate.name)
def test_one_customer_is_answered_in_the_same_bits_as_many(block, candidate: Candidate):
    fitted = fit(candidate, block, block.fold > 0, seed=5, threads=2)
    columns = probe(block)
    together = fitted.model.margin(fitted.encoding.matrix(columns))
    for row in [*range(0, len(together), 97), *range(len(together) - 5, len(together))]:
        alone = {name: values[row : row + 1] for name, values in columns.items()}
        assert fitted.model.margin(fitted.encoding.matrix(alone))[0] == together[row]


def bare(**columns: np.ndarray) -> Block:
    """A block of one telling number beside the columns given; integers are category codes."""
    rng = np.random.default_rng(9)
    telling = rng.normal(size=400)
    rules = [
        Column(name, "category", levels=tuple(map(str, range(values.max() + 1))), nullable=True)
        if values.dtype == np.int32
        else Column(name, nullable=True)
        for name, values in columns.items()
    ]
    contract = Contract((Column("telling"), *rules), ("telling", *columns))
    outcome = rng.random(400) < 1 / (1 + np.exp(-2 * telling))
    return Block(contract, {"telling": telling} | columns, outcome, np.zeros(400, dtype=np.int8))


@pytest.mark.parametrize("candidate", FAMILIES, ids=lambda candidate: candidate.name)
def test_columns_wholly_missing_or_constant_and_a_category_of_many_levels_do_no_harm(candidate: Candidate):
    odd = bare(
        empty=np.full(400, np.nan),
        one=np.full(400, 0.1),
        nobody=np.full(400, -1, dtype=np.int32),
        same=np.zeros(400, dtype=np.int32),
        many=np.arange(400, dtype=np.int32) % 300,
    )
    fitted = fit(candidate, odd, np.ones(400, dtype=bool), seed=5, threads=2)
    matrix = fitted.encoding.matrix(odd.columns)
    library = library_margin(fitted.estimator, matrix, fitted.encoding.categorical)
    assert np.abs(NONE.probability(fitted.model.margin(matrix)) - NONE.probability(library)).max() < PARITY


def test_an_estimator_without_log_odds_is_refused():
    with pytest.raises(DataError, match="gives no log-odds"):
        library_margin(object(), np.zeros((1, 1)), [])
