"""loan_data: accuracy in training and over HTTP on the same 2,000 untouched rows.

Run: ``python -m benchmarks.loan``. A model that is trained on one form of its inputs and served another fails here.
"""

from __future__ import annotations

import json
import tempfile
import urllib.request
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.datasets import ROOT, TABLES
from benchmarks.service import served
from riskloop.costs import Costs
from riskloop.data.source import Source, read
from riskloop.loop.workflows.check import prepare_table
from riskloop.loop.workflows.initialise import initialise
from riskloop.loop.workflows.release import promote
from riskloop.loop.workflows.train import train
from riskloop.wiring import open_project


def main() -> None:
    table = TABLES["loan_data"]
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        initialise(folder, Source(str(ROOT / table.file)), table.target, costs=Costs(fp=1, fn=1))
        project = open_project(folder)
        done = train(project)
        promote(project, done.version.version, reason="benchmark", override=not done.accepted)
        frame, _ = read(project.source)
        rows = prepare_table(project, frame).rows[done.trained.split.test]
        outcome = (rows["default"] == "1").to_numpy()
        trained = done.trained.policy.act(done.trained.test_probability, done.trained.test_costs)
        with served(folder) as url:
            answers = _ask(url, rows.select(project.contract.features).to_dicts())
        over_http = np.array([answer["decision"] == "act" for answer in answers])
        off = max(
            abs(answer["probability"] - value)
            for answer, value in zip(answers, done.trained.test_probability, strict=True)
        )
        results = {
            "rows": len(outcome),
            "chosen": done.trained.choice.chosen.name,
            "accuracy_in_training": float((trained == outcome).mean()),
            "accuracy_over_http": float((over_http == outcome).mean()),
            "largest_difference_in_probability": off,
        }
    print(json.dumps({"benchmark": "loan", "results": results}))


def _ask(url: str, rows: list[dict[str, str]]) -> list[dict[str, Any]]:
    answers: list[dict[str, Any]] = []
    for row in rows:
        body = json.dumps({"features": {name: float(value) for name, value in row.items()}}).encode()
        request = urllib.request.Request(f"{url}/predict", body, {"Content-Type": "application/json"})
        with urllib.request.urlopen(request, timeout=10) as answer:
            answers.append(json.load(answer))
    return answers


if __name__ == "__main__":
    main()
