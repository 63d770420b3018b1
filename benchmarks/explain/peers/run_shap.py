"""shap's explanations of a LightGBM: ``run_shap.py FOLDER``. Run by the environment that has shap; see
`benchmarks.explain`."""

from __future__ import annotations

import json
import sys
import time
from pathlib import Path

import lightgbm
import numpy as np
import shap

CALLS = 300
INTERVENTIONAL_ROWS = 400


def median_ms(explain, rows, calls):
    explain(rows[:1])
    times = []
    for row in range(calls):
        before = time.perf_counter()
        explain(rows[row : row + 1])
        times.append(time.perf_counter() - before)
    return float(np.median(times)) * 1000


def rows_per_second(explain, rows, times):
    best = 0.0
    for _ in range(times):
        before = time.perf_counter()
        explain(rows)
        best = max(best, len(rows) / (time.perf_counter() - before))
    return best


def main():
    folder = Path(sys.argv[1])
    model = lightgbm.Booster(model_file=str(folder / "model.txt"))
    held = np.load(folder / "rows.npz")
    rows, few = held["rows"], held["rows"][:INTERVENTIONAL_ROWS]
    paths = shap.TreeExplainer(model)
    against = shap.TreeExplainer(model, data=held["background"], feature_perturbation="interventional")

    def of_paths(some):
        return paths.shap_values(some)

    def interventional(some):
        return against.shap_values(some, check_additivity=False)

    facts = {
        "versions": {"shap": shap.__version__, "lightgbm": lightgbm.__version__, "numpy": np.__version__},
        "timed": {
            "shap.TreeExplainer": {
                "one_ms": median_ms(of_paths, rows, CALLS),
                "rows_per_second": rows_per_second(of_paths, rows, 2),
            },
            "shap.TreeExplainer, interventional": {
                "one_ms": median_ms(interventional, rows, CALLS // 3),
                "rows_per_second": rows_per_second(interventional, few, 2),
            },
        },
    }
    values = np.asarray(interventional(few)).reshape(len(few), -1)
    error = against.expected_value + values.sum(axis=1) - model.predict(few, raw_score=True)
    facts["additivity_error"] = float(np.abs(error).max())
    np.save(folder / "values.npy", values)
    (folder / "facts.json").write_text(json.dumps(facts))


if __name__ == "__main__":
    main()
