from __future__ import annotations

import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from subprocess import run

import numpy as np
import pytest

from riskloop.data.contract import Column, Contract
from riskloop.scorer.calibration import Calibration
from riskloop.scorer.encoding import Block, Encoding
from riskloop.scorer.linear import Linear
from riskloop.scorer.scorer import Scorer

NUMBERS, CATEGORIES = 14, 6
LEVELS = ("a", "b", "c", "d", "e")


def make_scorer(calibration: Calibration) -> Scorer:
    """Twenty columns, six of them categories."""
    names = [f"n{i}" for i in range(NUMBERS)] + [f"c{i}" for i in range(CATEGORIES)]
    columns = [Column(name, nullable=True) for name in names[:NUMBERS]] + [
        Column(name, "category", levels=LEVELS, nullable=True, unknown="bin") for name in names[NUMBERS:]
    ]
    blocks = [
        Block(name, "number", impute=0.1 * i, indicator=i % 2 == 0, shift=0.3, scale=1.7)
        for i, name in enumerate(names[:NUMBERS])
    ]
    blocks += [Block(name, "onehot", levels=LEVELS, indicator=True) for name in names[NUMBERS:]]
    blocks += [Block("ratio", "number", expression="n0 / n1", impute=0.0)]
    encoding = Encoding(tuple(blocks))
    coefficients = np.random.default_rng(5).normal(size=len(encoding.names)) / 7
    return Scorer(Contract(tuple(columns), tuple(names)), encoding, Linear(coefficients, -0.3), calibration)


def customers(count: int, seed: int = 0) -> list[dict[str, object]]:
    rng = np.random.default_rng(seed)
    missing = rng.random((count, NUMBERS + CATEGORIES)) < 0.2
    numbers = np.round(rng.normal(size=(count, NUMBERS)), 2)
    levels = rng.choice([*LEVELS, "never seen"], size=(count, CATEGORIES))
    return [
        {f"n{i}": None if missing[row, i] else float(numbers[row, i]) for i in range(NUMBERS)}
        | {f"c{i}": None if missing[row, NUMBERS + i] else str(levels[row, i]) for i in range(CATEGORIES)}
        for row in range(count)
    ]


CALIBRATIONS = [
    Calibration(),
    Calibration("sigmoid", (1.3, -0.2)),
    Calibration("beta", (0.7, 1.2, 0.1)),
    Calibration("isotonic", (), (-2.0, 0.0, 1.0), (-1.5, -0.1, 2.0)),
]


@pytest.mark.parametrize("calibration", CALIBRATIONS, ids=lambda one: one.kind)
def test_a_customer_gets_the_same_bits_alone_as_within_thousands(calibration):
    scorer = make_scorer(calibration)
    rows = customers(5000)
    together = scorer.probability(scorer.contract.decode_rows(rows).columns)
    assert ((together > 0) & (together < 1)).all()
    for position in [*range(40), 2047, 2048, 4999]:
        alone = scorer.probability(scorer.contract.decode_rows([rows[position]]).columns)
        assert alone.tobytes() == together[position : position + 1].tobytes()


@pytest.mark.parametrize("calibration", CALIBRATIONS, ids=lambda one: one.kind)
def test_a_customer_without_arrays_gets_the_same_bits(calibration):
    scorer = make_scorer(calibration)
    rows = customers(1000)
    together = scorer.probability(scorer.contract.decode_rows(rows).columns)
    assert [scorer.alone(scorer.contract.decode_row(row)) for row in rows] == together.tolist()


def test_numbers_that_a_model_takes_as_they_are_may_stand_in_another_order():
    contract = Contract((Column("a"), Column("b", nullable=True)), ("a", "b"))
    encoding = Encoding((Block("b", "number"), Block("a", "number")))
    scorer = Scorer(contract, encoding, Linear(np.array([10.0, 1.0]), 0.0), Calibration())
    row = {"b": -0.25, "a": 2.0}
    assert scorer.alone(contract.decode_row(row)) == scorer.probability(contract.decode_rows([row]).columns)[0]
    assert np.isnan(scorer.alone(contract.decode_row({"a": 2.0, "b": None})))


def test_threads_share_a_scorer_without_mixing_customers():
    scorer = make_scorer(Calibration())
    rows = customers(200, seed=1)
    expected = scorer.probability(scorer.contract.decode_rows(rows).columns).tolist()
    fresh = make_scorer(Calibration())  # what it prepares on first use is prepared by all at once
    barrier = threading.Barrier(8)

    def score(worker: int) -> list[float]:
        barrier.wait()
        return [fresh.probability(fresh.contract.decode_rows([row]).columns)[0] for row in rows]

    with ThreadPoolExecutor(8) as pool:
        assert all(list(answers) == expected for answers in pool.map(score, range(8)))


def test_scoring_imports_no_training_library():
    code = (
        "import sys, riskloop.bundle.load, riskloop.bundle.pack, riskloop.scorer.scorer\n"
        "print(sorted({'sklearn', 'pandas', 'polars', 'mlflow', 'lightgbm', 'xgboost', 'catboost', 'scipy'}"
        " & set(sys.modules)))"
    )
    assert run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.strip() == "[]"
