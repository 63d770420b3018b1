"""The public tables as riskloop itself reads them: `init`, contract, quality gate, no hand edits."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from riskloop.costs import Costs
from riskloop.data.dataset import Dataset, prepare
from riskloop.data.infer import infer_contract, likely_id
from riskloop.data.linked.propose import LinkedFile, parse_linked
from riskloop.data.outcome import guess_positive
from riskloop.data.source import Source, read
from riskloop.loop.linking import link
from riskloop.problem import Problem

ROOT = Path(os.environ.get("RISKLOOP_DATA", Path(__file__).parents[2] / "shared" / "data"))
FN_TEN_FP = Costs(fp=1.0, fn=10.0)


@dataclass(frozen=True)
class Table:
    """A public table and its target."""

    name: str
    file: str
    target: str
    unavailable: tuple[str, ...] = ()
    columns: tuple[str, ...] = ()
    linked: tuple[str, ...] = ()


ADULT = (
    "age", "workclass", "fnlwgt", "education", "education_num", "marital_status", "occupation", "relationship", "race",
    "sex", "capital_gain", "capital_loss", "hours_per_week", "country", "income",
)  # fmt: skip

PRODUCTS = ("products=credit_fraud/products.csv:basket_ID",)

TABLES = {
    table.name: table
    for table in (
        Table("bankchurners", "bankchurners/churn2.csv", "Attrition_Flag"),
        Table("telco_churn", "telco_churn/WA_Fn-UseC_-Telco-Customer-Churn.csv", "Churn"),
        Table("loan_data", "loan_data/Loan_Data.csv", "default"),
        Table("uci_credit_card", "uci_credit_card/UCI_Credit_Card.csv", "default.payment.next.month"),
        Table("churn_modelling", "churn_modelling/Churn_Modelling.csv", "Exited"),
        Table("adult", "adult/adult.data", "income", columns=ADULT),
        Table("bank_marketing", "bank_marketing/bank-additional-full.csv", "y", unavailable=("duration",)),
        Table(
            "credit_fraud",
            "credit_fraud/baskets.csv",
            "fraud_flag",
            linked=PRODUCTS,
        ),
    )
}


def _linked(text: str) -> LinkedFile:
    """``NAME=FILE:KEY``, the file in the folder of public tables."""
    name, _, rest = text.partition("=")
    return parse_linked(f"{name}={ROOT / rest}")


def load(name: str) -> Dataset:
    """A table as a Dataset, through the same steps as `riskloop init` and `riskloop train`."""
    table = TABLES[name]
    frame, _ = read(Source(str(ROOT / table.file), columns=table.columns))
    identity = likely_id(frame, but=[table.target])
    problem = Problem(table.target, guess_positive(frame, table.target), identity, unavailable=table.unavailable)
    if table.linked:
        frame = link(frame, [_linked(text) for text in table.linked], problem).frame
    dataset = prepare(frame, infer_contract(frame, problem).contract, problem).dataset
    assert dataset is not None, f"{name} did not pass the quality gate"
    return dataset


def outer_folds(dataset: Dataset, *, folds: int, repeats: int, seed: int) -> list[tuple[np.ndarray, np.ndarray]]:
    """Repeated stratified folds: (training rows, test rows) pairs, the same for everything that is compared."""
    from sklearn.model_selection import RepeatedStratifiedKFold

    splitter = RepeatedStratifiedKFold(n_splits=folds, n_repeats=repeats, random_state=seed)
    return list(splitter.split(np.zeros((len(dataset), 1)), dataset.outcome))
