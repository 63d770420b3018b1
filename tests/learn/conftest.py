from __future__ import annotations

import numpy as np
import pytest

from riskloop.data.contract import Column, Contract
from riskloop.learn.block import Block

REGIONS = ("north", "south", "east", "west")


def customers(rows: int, seed: int) -> Block:
    """Numbers and categories, with missing values and unknown levels, and an outcome that depends on them."""
    rng = np.random.default_rng(seed)
    contract = Contract(
        (
            Column("age"),
            Column("debt", nullable=True),
            Column("income", nullable=True),
            Column("region", "category", levels=REGIONS, nullable=True, unknown="bin"),
            Column("married", "category", levels=("no", "yes")),
        ),
        features=("age", "debt", "income", "region", "married"),
    )
    columns = {
        "age": rng.integers(18, 80, rows).astype(np.float64),
        "debt": np.where(rng.random(rows) < 0.15, np.nan, np.round(rng.gamma(2, 500, rows), 2)),
        "income": np.where(rng.random(rows) < 0.1, np.nan, np.round(rng.normal(3000, 800, rows))),
        "region": rng.integers(-1, len(REGIONS) + 1, rows).astype(np.int32),
        "married": rng.integers(0, 2, rows).astype(np.int32),
    }
    log_odds = (
        0.04 * (columns["age"] - 45)
        + np.nan_to_num(columns["debt"]) / 1000
        + np.array([0.0, 1.0, -1.0, 0.5, 0.0, -0.5])[columns["region"]]
        - columns["married"]
        - 1.2
    )
    outcome = rng.random(rows) < 1 / (1 + np.exp(-log_odds))
    fold = rng.permutation(np.arange(rows) % 3).astype(np.int8)
    return Block(contract, columns, outcome, fold, {"burden": "debt / income"})


@pytest.fixture(scope="session")
def block() -> Block:
    return customers(420, seed=3)
