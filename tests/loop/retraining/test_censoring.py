from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest

from riskloop.data.source import Source
from riskloop.decide.arms import Exploration
from riskloop.loop.project import Project
from riskloop.loop.retraining.censoring import exploration_cost, warnings
from riskloop.loop.retraining.labelled import Count, Labelled
from riskloop.loop.workflows.check import check
from riskloop.loop.workflows.score import score
from riskloop.settings import parse_settings
from riskloop.wiring import open_project


def said(acted: Count, left: Count, explored: Count | None = None, **settings: Any) -> str:
    least: dict[str, Any] = {"project": "p", "problem": {"target": "left"}, "data": {"path": "t.csv"}}
    counts = {"acted": acted, "left": left, "explored": explored or Count()}
    return " ".join(warnings(Labelled(counts=counts), parse_settings(least | settings)))


def test_outcomes_that_are_missing_for_those_acted_on_are_told_with_what_to_do() -> None:
    """Loans that were declined: nobody knows whether they would have been paid back."""
    words = said(Count(1_000, 20), Count(4_000, 3_920))
    assert "missing for 98% of those acted on, for 2% of the others" in words
    assert "retraining.acted: leave_out" in words
    assert "serving.exploration" in words
    assert "serving.exploration" not in said(Count(1_000, 20), Count(4_000, 3_920), serving={"exploration": 0.02})


def test_outcomes_that_acting_may_have_changed_are_told() -> None:
    assert "If acting changes what becomes of a customer" in said(Count(500, 480), Count(500, 490))
    assert said(Count(500, 480), Count(500, 490), Count(30, 30), retraining={"acted": "leave_out"}) == ""


def test_leaving_out_those_acted_on_without_exploring_leaves_nothing_known_of_them() -> None:
    assert "nobody was explored" in said(Count(500, 480), Count(500, 490), retraining={"acted": "leave_out"})


def test_outcomes_that_are_not_all_known_yet_are_told() -> None:
    assert "40% have no outcome." in said(Count(), Count(1_000, 600))
    assert "40% have no outcome after 90d." in said(
        Count(), Count(1_000, 600), problem={"target": "left", "maturity": "90d"}
    )


def test_what_exploration_costs_is_what_acting_would_have_gained() -> None:
    act, gain = np.array([True, True, False, False]), np.array([30.0, 10.0, -5.0, -8.0])
    cost = exploration_cost(0.1, act, gain, "EUR")
    assert (cost.acted, cost.each) == (0.5, 20.0)
    assert cost.per_thousand == pytest.approx(0.1 * 10.0 * 1000)
    assert "1,000 EUR per 1,000 customers" in cost.words


def test_check_tells_what_exploration_would_cost(trained: Project) -> None:
    assert check(trained).exploration is None
    exploring = open_project(trained.folder, {"RISKLOOP__SERVING__EXPLORATION": "0.02"})
    cost = check(exploring).exploration
    assert cost is not None
    assert (cost.share, cost.currency) == (0.02, "EUR")
    assert cost.per_thousand > 0
    exploring.engine.dispose()


def test_in_a_batch_the_explored_are_left_alone_and_the_ledger_says_so(
    trained: Project, simulated: Path, tmp_path: Path
) -> None:
    source, out = Source(str(simulated / "batches" / "january.csv")), tmp_path / "out.csv"
    usual = score(trained, source, out, log=False)
    before = pl.read_csv(out)
    exploring = open_project(trained.folder, {"RISKLOOP__SERVING__EXPLORATION": "0.2"})
    done = score(exploring, source, out)
    after, taken = pl.read_csv(out), Exploration(0.2).takes
    explored = pl.Series([taken(customer) for customer in after["customer_id"].to_list()])
    assert after.columns == before.columns
    assert set(after.filter(explored)["decision"]) == {"pass"}
    assert after.filter(~explored).equals(before.filter(~explored))
    assert done.acted == usual.acted - int((before["decision"] == "act").filter(explored).sum())
    arms = {one.entity_id: one.arm for one in exploring.ledger.recent(300)}
    assert {arms[customer] for customer in after.filter(explored)["customer_id"]} == {"batch:exploration:0.2"}
    assert {arms[customer] for customer in after.filter(~explored)["customer_id"]} == {"batch"}
    assert exploring.ledger.arm_counts() == ()
    exploring.engine.dispose()
