"""A bundle whose encoding has every kind of block beside the plain ones."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from riskloop.bundle.bundle import Bundle, Golden, raw_rows
from riskloop.bundle.load import load
from riskloop.bundle.pack import pack
from riskloop.bundle.sign import KeyRing
from riskloop.costs import Costs
from riskloop.data.contract import Column, Contract
from riskloop.decide.policy import Policy
from riskloop.errors import BundleRefused
from riskloop.problem import Customer
from riskloop.scorer.calibration import Calibration
from riskloop.scorer.encoding import Block, Encoding
from riskloop.scorer.linear import Linear
from riskloop.scorer.scorer import Scorer
from riskloop.serve.scoring import Scored, score

CONTRACT = Contract(
    (
        Column("since", "date", nullable=True, missing_values=("9999-12-31",)),
        Column("income", monotone="decreasing"),
        Column("plan", "category", ("basic", "premium"), nullable=True, unknown="bin"),
    ),
    ("since", "income", "plan"),
)
BLOCKS = (
    Block("month", "number", expression="month(since)", impute=6.0),
    Block("hour", "bins", expression="hour(since)", edges=(6.0, 18.0), values=(0.5, -0.25, 1.0)),
    Block("income", "bins", edges=(1_000.0,), values=(0.75, -0.5)),
    Block("plan", "table", levels=("basic", "premium"), values=(0.25, -0.75), absent=0.1, other=1.25),
)
CUSTOMERS = (
    {"since": "2026-01-31", "income": 10.0, "plan": "basic"},
    {"since": "2026-02-01T18:30:00", "income": 2_000.0, "plan": None},
    {"since": None, "income": 1_000.0, "plan": "premium"},
)


def bundle_of(blocks: tuple[Block, ...]) -> Bundle:
    encoding = Encoding(blocks)
    model = Linear(np.linspace(0.25, 1, len(encoding.names)), -1.0)
    scorer = Scorer(CONTRACT, encoding, model, Calibration("sigmoid", (1.0, 0.0)))
    bundle = Bundle("loan", scorer, Policy("fixed", 0.3, Costs(fp=1, fn=5)), Golden((), ()), {}, {})
    probability, _ = bundle.score(CUSTOMERS)
    return replace(bundle, golden=Golden(CUSTOMERS, tuple(probability.tolist())), baseline=CUSTOMERS)


def there_and_back(bundle: Bundle, folder: Path) -> Bundle:
    keys = KeyRing(folder / "keys")
    keys.create()
    _, path = pack(bundle, folder / "bundles", keys)
    return load(path, keys.trusted())


def test_it_comes_back_as_it_was(tmp_path):
    bundle = bundle_of(BLOCKS)
    loaded = there_and_back(bundle, tmp_path)
    assert loaded.scorer.encoding == bundle.scorer.encoding
    assert loaded.contract.used == CONTRACT.used


@pytest.mark.parametrize(
    "block",
    [
        Block("since", "number"),
        Block("since", "bins", values=(1.0,)),
        Block("income", "table", values=()),
        Block("plan", "table", levels=("basic",), values=(1.0,)),
        Block("odd", "number", expression="month(plan)"),
        Block("odd", "number", expression="month(until)"),
    ],
)
def test_an_encoding_against_its_contract_is_refused(block, tmp_path):
    bundle = bundle_of(BLOCKS)
    strange = replace(bundle, scorer=replace(bundle.scorer, encoding=Encoding((*BLOCKS[:3], block))))
    with pytest.raises(BundleRefused, match="The encoding reads"):
        there_and_back(strange, tmp_path)


def test_dates_are_written_back_as_texts_that_decode_to_the_same():
    decoded = CONTRACT.decode_rows(CUSTOMERS)
    assert raw_rows(CONTRACT, decoded.columns, range(3)) == list(CUSTOMERS)


def test_a_customer_from_a_file_is_kept_as_json_that_scores_the_same():
    bundle = bundle_of(BLOCKS)
    texts = [{name: "" if value is None else str(value) for name, value in row.items()} for row in CUSTOMERS]
    scored = score(bundle, [Customer(None, features=row) for row in texts], typed=False)
    for one, expected in zip(scored, bundle.golden.probability, strict=True):
        assert isinstance(one, Scored)
        assert one.probability == expected
        (again,) = score(bundle, [Customer(None, features=one.features)], typed=True)
        assert isinstance(again, Scored)
        assert again.probability == expected
