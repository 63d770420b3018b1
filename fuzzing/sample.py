"""A small model with a column of every kind, and what its service is sent."""

from __future__ import annotations

import json
import tempfile
from dataclasses import replace
from functools import cache
from pathlib import Path

import numpy as np

from riskloop.bundle.bundle import Bundle, Golden
from riskloop.bundle.load import read_verified
from riskloop.bundle.pack import pack
from riskloop.bundle.sign import KeyRing
from riskloop.costs import Costs
from riskloop.data.contract import Column, Contract
from riskloop.decide.policy import Policy
from riskloop.scorer.calibration import Calibration
from riskloop.scorer.encoding import Block, Encoding
from riskloop.scorer.forest import Forest
from riskloop.scorer.interval import VennAbers
from riskloop.scorer.scorer import Scorer

CUSTOMER = {"age": 40.5, "income": 3000, "seniority": 2, "region": "EU", "plan": "basic", "since": "2026-01-31"}
CONTRACT = Contract(
    columns=(
        Column("age", minimum=18, maximum=100),
        Column("income", minimum=-1.5, nullable=True),
        Column("seniority", nullable=True, missing_values=("999", "-9")),
        Column("region", "category", levels=("NA", "EU", "1"), aliases=(("Europe", "EU"),)),
        Column("plan", "category", levels=("basic", "premium"), unknown="bin", nullable=True, ignore_case=True),
        Column("since", "date", nullable=True),
    ),
    features=tuple(CUSTOMER),
    known=("customer_id",),
)
_ENCODING = Encoding(
    (
        Block("age", "number", shift=40, scale=10),
        Block("income", "number", impute=0.0, indicator=True),
        Block("region", "onehot", levels=("NA", "EU", "1")),
        Block("plan", "code", levels=("basic", "premium")),
        Block("income by age", "number", expression="income / age", impute=0.1),
    )
)


@cache
def bundle() -> Bundle:
    """Two small trees on it."""
    forest = Forest(
        roots=np.array([0, 3], dtype=np.int32),
        feature=np.array([0, -1, -1, 1, -1, -1], dtype=np.int32),
        threshold=np.array([-1.05, 0, 0, 0.2, 0, 0]),
        left=np.array([1, -1, -1, 4, -1, -1], dtype=np.int32),
        right=np.array([2, -1, -1, 5, -1, -1], dtype=np.int32),
        missing_left=np.array([True, False, False, False, False, False]),
        value=np.array([0, 0.1, -0.7, 0, 1 / 3, -0.2]),
        category_node=np.full(6, -1, dtype=np.int32),
        n_features=len(_ENCODING.names),
        base=-0.5,
    )
    interval = VennAbers((0.1, 1 / 3), (0.05, 0.3), (0.2, 0.7))
    scorer = Scorer(CONTRACT, _ENCODING, forest, Calibration("sigmoid", (1.1, 0.1)), interval)
    policy = Policy("fixed", 0.3, Costs(fp=10, fn=100))
    made = Bundle("churn", scorer, policy, Golden((), ()), profile={"rows": 12, "columns": {}}, card={})
    probability, _ = made.score([CUSTOMER])
    return replace(made, golden=Golden((CUSTOMER,), tuple(probability.tolist())), baseline=(CUSTOMER,))


@cache
def files() -> dict[str, bytes]:
    """The same as the files of a bundle."""
    with tempfile.TemporaryDirectory() as folder:
        keys = KeyRing(Path(folder) / "keys")
        keys.create()
        _, path = pack(bundle(), Path(folder), keys)
        return read_verified(path, keys.trusted())


def body(**changes: object) -> bytes:
    """A body of `POST /predict`."""
    return json.dumps({"id": "C-1", "features": CUSTOMER} | changes).encode()
