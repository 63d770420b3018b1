from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import pytest

from riskloop.bundle.bundle import Bundle, Golden
from riskloop.bundle.load import load
from riskloop.bundle.pack import pack
from riskloop.bundle.sign import KeyRing, canonical
from riskloop.costs import Costs
from riskloop.data.contract import Column, Contract
from riskloop.decide.policy import Policy
from riskloop.scorer.calibration import Calibration
from riskloop.scorer.encoding import Block, Encoding
from riskloop.scorer.forest import Forest
from riskloop.scorer.interval import VennAbers
from riskloop.scorer.linear import Linear
from riskloop.scorer.scorer import Model, Scorer

REGIONS = ("NA", "EU", "Île-de-France")
PLANS = ("basic", "premium")
CONTRACT = Contract(
    (
        Column("age", minimum=18.0, maximum=100.0),
        Column("avg. bill", nullable=True),
        Column("region", "category", levels=REGIONS),
        Column("plan", "category", levels=PLANS, nullable=True, unknown="bin"),
    ),
    features=("age", "avg. bill", "region", "plan"),
    known=("churned",),
)
ENCODING = Encoding(
    (
        Block("age", "number", shift=40, scale=10),
        Block("avg. bill", "number", impute=0.0, indicator=True),
        Block("region", "onehot", levels=REGIONS),
        Block("plan", "code", levels=PLANS),
        Block("bill by age", "number", expression="`avg. bill` / age", impute=0.1),
    )
)
CUSTOMERS = tuple(
    {"age": 20.0 + i, "avg. bill": None if i % 4 == 0 else 1 / (i + 1), "region": REGIONS[i % 3], "plan": plan}
    for i, plan in enumerate([*PLANS, None] * 4)
)


def forest(width: int) -> Forest:
    """Two stumps, on the first and on the second column."""
    return Forest(
        roots=np.array([0, 3], dtype=np.int32),
        feature=np.array([0, -1, -1, 1, -1, -1], dtype=np.int32),
        threshold=np.array([-1.05, 0, 0, 0.2, 0, 0]),
        left=np.array([1, -1, -1, 4, -1, -1], dtype=np.int32),
        right=np.array([2, -1, -1, 5, -1, -1], dtype=np.int32),
        missing_left=np.array([True, False, False, False, False, False]),
        value=np.array([0, 0.1, -0.7, 0, 1 / 3, -0.2]),
        category_node=np.full(6, -1, dtype=np.int32),
        n_features=width,
        base=-0.5,
    )


def make_bundle(model: Model, *, name: str = "churn", encoding: Encoding = ENCODING) -> Bundle:
    interval = VennAbers((0.1, 1 / 3), (0.05, 0.3), (0.2, 0.7))
    scorer = Scorer(CONTRACT, encoding, model, Calibration("sigmoid", (1.1, 0.1)), interval)
    bundle = Bundle(
        name,
        scorer,
        Policy("fixed", 0.3, Costs(fp=10, fn=100)),
        Golden((), ()),
        profile={"rows": 12, "columns": {}},
        card={"family": "linear", "note": "é ≥ 0.1"},
    )
    probability, _ = bundle.score(CUSTOMERS)
    return replace(bundle, golden=Golden(CUSTOMERS, tuple(probability.tolist())), baseline=CUSTOMERS)


def linear() -> Bundle:
    encoding = Encoding(tuple(block for block in ENCODING.blocks if block.kind != "code"))
    return make_bundle(Linear(np.linspace(-1, 1, len(encoding.names)) / 3, -0.7), encoding=encoding)


@pytest.fixture(scope="module", params=["linear", "forest"])
def bundle(request: pytest.FixtureRequest) -> Bundle:
    return linear() if request.param == "linear" else make_bundle(forest(len(ENCODING.names)))


@pytest.fixture
def linear_bundle() -> Bundle:
    return linear()


@pytest.fixture
def keys(tmp_path: Path) -> KeyRing:
    ring = KeyRing(tmp_path / "keys")
    ring.create()
    return ring


@dataclass
class Packed:
    """A bundle on disk, and the keys that signed it."""

    bundle: Bundle
    path: Path
    keys: KeyRing

    def load(self) -> Bundle:
        return load(self.path, self.keys.trusted())

    def sign_again(self, **changes: bytes) -> None:
        """Change files, named with a low line for the dot, and sign the result: what only a holder of the key can."""
        manifest = json.loads((self.path / "manifest.json").read_bytes())
        for name, data in changes.items():
            file = name.replace("_", ".")
            (self.path / file).write_bytes(data)
            manifest["files"][file] = hashlib.sha256(data).hexdigest()
        message = canonical(manifest)
        (self.path / "manifest.json").write_bytes(message)
        (self.path / "signature.json").write_bytes(canonical(self.keys.sign(message)))


@pytest.fixture
def packed(linear_bundle: Bundle, keys: KeyRing, tmp_path: Path) -> Packed:
    return Packed(*pack(linear_bundle, tmp_path / "bundles", keys), keys)


@pytest.fixture
def forest_packed(keys: KeyRing, tmp_path: Path) -> Packed:
    return Packed(*pack(make_bundle(forest(len(ENCODING.names))), tmp_path / "bundles", keys), keys)


@pytest.fixture
def pack_another(keys: KeyRing, tmp_path: Path) -> Callable[[str], Packed]:
    def another(name: str) -> Packed:
        return Packed(*pack(replace(linear(), name=name), tmp_path / "bundles", keys), keys)

    return another
