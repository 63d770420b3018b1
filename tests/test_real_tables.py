"""Every public table that is a single table goes from file to decision without an edit by hand."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
import pytest

from benchmarks.datasets import ADULT
from benchmarks.datasets import TABLES as BENCHED
from riskloop.costs import Costs
from riskloop.data.source import Source
from riskloop.loop.project import Project
from riskloop.loop.workflows.check import check
from riskloop.loop.workflows.initialise import initialise
from riskloop.loop.workflows.release import promote
from riskloop.loop.workflows.train import train
from riskloop.serve.api import create_app
from riskloop.wiring import open_project, serve_config

pytestmark = pytest.mark.slow


@dataclass(frozen=True)
class Table:
    """A public table: what a user types, and what they should find."""

    file: str
    target: str
    positives: float
    least_auc: float
    source: dict[str, Any] = field(default_factory=dict)
    init: dict[str, Any] = field(default_factory=dict)
    left_out: tuple[str, ...] = ()
    noticed: tuple[tuple[str, str | None], ...] = ()

    @classmethod
    def benched(cls, name: str, positives: float, least_auc: float, **more: Any) -> Table:
        """One that benchmarks are run on as well."""
        table = BENCHED[name]
        return cls(table.file, table.target, positives, least_auc, **more)


_OTHER_MODEL = "Naive_Bayes_Classifier_Attrition_Flag_Card_Category_Contacts_Count_12_mon_Dependent_count_"
_OTHER_MODEL += "Education_Level_Months_Inactive_12_mon_"
_SOME = {"sample_rows": 10_000}

TABLES = {
    "bankchurners": Table(
        "bankchurners/BankChurners.csv",
        "Attrition_Flag",
        0.1607,
        0.9,
        left_out=("CLIENTNUM", f"{_OTHER_MODEL}1", f"{_OTHER_MODEL}2"),
        noticed=(("leakage-model-output", f"{_OTHER_MODEL}1"), ("looks-missing", "Income_Category")),
    ),
    "churn2": Table.benched(
        "bankchurners",
        0.1607,
        0.9,
        left_out=("CLIENTNUM", "column_22"),
        noticed=(("empty", "column_22"),),
    ),
    "loan_data": Table.benched("loan_data", 0.1851, 0.99, left_out=("customer_id",)),
    "telco_churn": Table.benched(
        "telco_churn",
        0.2654,
        0.8,
        left_out=("customerID",),
        noticed=(("missing-share", "TotalCharges"),),
    ),
    "uci_credit_card": Table.benched(
        "uci_credit_card",
        0.2212,
        0.7,
        source=_SOME,
        left_out=("ID", "default.payment.next.month"),
        noticed=(("integer-codes", "PAY_0"),),
    ),
    "bank_marketing": Table.benched(
        "bank_marketing",
        0.1127,
        0.6,
        source=_SOME,
        init={"unavailable": ["duration"], "in_row_order": True},
        left_out=("duration",),
        noticed=(("sentinel", "pdays"),),
    ),
    "adult": Table.benched("adult", 0.2408, 0.85, source={"columns": ADULT} | _SOME),
    "churn_modelling": Table.benched(
        "churn_modelling",
        0.2037,
        0.7,
        left_out=("Surname", "RowNumber", "CustomerId"),
        noticed=(("personal", "Surname"),),
    ),
    "fremtpl2freq": Table(
        "fremtpl2freq/freMTPL2freq.csv.gz",
        "ClaimNb > 0",
        0.0502,
        0.6,
        source={"sample_rows": 30_000},
        left_out=("ClaimNb", "IDpol"),
    ),
}


@pytest.mark.parametrize("name", TABLES)
def test_a_public_table_goes_from_file_to_decision(name: str, workshop: Any, real_data: Path, tmp_path: Path) -> None:
    table = TABLES[name]
    source = Source(str(real_data / table.file), **table.source)
    done = initialise(workshop.prepare(tmp_path), source, table.target, project=name, **table.init)
    assert done.positives / done.rows == pytest.approx(table.positives, abs=0.01)
    assert not set(table.left_out) & set(done.features)
    assert set(table.noticed) <= {(finding.code, finding.column) for finding in done.findings}

    project = open_project(tmp_path, {})
    checked = check(project)
    assert checked.passed
    assert checked.kept > 0.95 * checked.rows

    trained = train(project, candidates=("logistic_regression",))
    assert trained.trained.test["roc_auc"].value >= table.least_auc
    assert trained.trained.parity < 1e-9
    promote(project, trained.version.version, reason="a public table", override=not trained.accepted)

    _, bundle = project.bundle()
    answer = asyncio.run(_ask(project, {"id": "golden", "features": bundle.golden.requests[0]}))
    assert answer["probability"] == pytest.approx(bundle.golden.probability[0], abs=1e-9)
    assert answer["decision"] in bundle.policy.labels
    assert project.ledger.predictions("golden")[0].probability == answer["probability"]


async def _ask(project: Project, customer: dict[str, Any]) -> dict[str, Any]:
    """One customer over HTTP, the service in this process."""
    app = create_app(serve_config(project))
    transport = httpx.ASGITransport(app)
    async with (
        app.router.lifespan_context(app),
        httpx.AsyncClient(transport=transport, base_url="http://here") as client,
    ):
        answer = await client.post("/predict", json=customer)
        return dict(answer.raise_for_status().json())


def test_in_its_own_order_bank_marketing_is_priced_honestly_and_may_not_lead(
    workshop: Any, real_data: Path, tmp_path: Path
) -> None:
    """The share of positives rises from 3 % to 46 %: no model of the past ranks what follows, and that must be said."""
    table = TABLES["bank_marketing"]
    initialise(
        workshop.prepare(tmp_path),
        Source(str(real_data / table.file)),
        table.target,
        project="later",
        costs=Costs(fp=1, fn=10),
        **table.init,
    )
    done = train(open_project(tmp_path, {}), candidates=("logistic_regression", "scorecard", "lightgbm"))
    trained = done.trained
    cost = {row.name: row.cost_per_thousand.value for row in trained.policies}
    assert not done.accepted
    assert trained.verdict.startswith("Acting on everyone is")
    assert trained.examination.iid is not None
    assert "too good to be true" in trained.examination.iid.words()
    # left alone, or calibrated on random rows of the past, it acted on hardly anyone, for three times the cost
    assert trained.test["cost_per_thousand"].value <= cost["act_on_all"] < 0.4 * cost["act_on_none"]
