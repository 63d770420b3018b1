"""Regret against the known Bayes rule on simulated customers: what a trained model's decisions cost above the best.

Run: ``python -m benchmarks.regret [ROWS ...]``.
"""

from __future__ import annotations

import json
import sys
import tempfile
import time
from pathlib import Path

import numpy as np

from riskloop.costs import Costs
from riskloop.data.dataset import prepare
from riskloop.data.infer import infer_contract
from riskloop.data.source import Source, read
from riskloop.decide.policy import regret
from riskloop.learn.candidates.families import select_blends, select_candidates
from riskloop.learn.plan import Plan, training_block
from riskloop.learn.refitting import refit
from riskloop.learn.selecting import select
from riskloop.problem import Problem

DERIVED = {"burden": "loan_amount / term_months / income_per_month"}
"""What a credit analyst would declare: the instalment beside the income."""
SCENARIOS = {
    "churn": (Problem("churned", "yes", "customer_id", "snapshot_date"), Costs(fp=10, fn=100)),
    "loan": (Problem("defaulted", "1", "application_id", "application_date"), Costs(fp=1, fn=10)),
}
TEST_ROWS = 100_000


def measure(scenario: str, rows: int, derived: dict[str, str]) -> dict[str, object]:
    """Train on the first rows, judge against the truth of 100,000 others."""
    from riskloop.data.simulate.writing import simulate

    problem, costs = SCENARIOS[scenario]
    with tempfile.TemporaryDirectory() as folder:
        out = Path(folder) / "data"
        simulate(scenario, rows=rows + TEST_ROWS, seed=11, out=out, linked=False)
        frame, _ = read(Source(str(out / "customers.csv")))
        truth, _ = read(Source(str(out / "truth.csv")))
    identity = truth.columns[0]
    problem = Problem(problem.target, problem.positive, identity, problem.time)
    dataset = prepare(frame, infer_contract(frame, problem).contract, problem).dataset
    assert dataset is not None
    assert len(dataset) == frame.height
    known = truth["true_probability"].cast(float).to_numpy()
    plan = Plan(select_candidates([], rows), costs, select_blends([]), derived=derived)
    started = time.perf_counter()
    block = training_block(dataset, np.arange(rows), plan)
    choice, contenders = select(block, plan)
    scorer = refit(block, plan, choice.chosen, contenders).scorer
    test = np.arange(rows, rows + TEST_ROWS)
    probability = scorer.probability(dataset.take(test))
    found = regret(known[test], choice.chosen.policy.act(probability, costs), costs)
    return {
        "training_rows": rows,
        "chosen": choice.chosen.name,
        "seconds": round(time.perf_counter() - started, 1),
        "regret_per_thousand": round(found.per_thousand, 2),
        "bayes_cost_per_thousand": round(found.bayes_per_thousand, 2),
        "regret_percent": round(found.relative * 100, 3),
    }


def main() -> None:
    sizes = [int(text) for text in sys.argv[1:]] or [50_000]
    cases = {"churn": ("churn", {}), "loan": ("loan", {}), "loan, burden declared": ("loan", DERIVED)}
    results = {
        name: [measure(scenario, rows, derived) for rows in sizes] for name, (scenario, derived) in cases.items()
    }
    print(json.dumps({"benchmark": "regret", "results": results}))


if __name__ == "__main__":
    main()
