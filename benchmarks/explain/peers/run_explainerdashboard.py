"""explainerdashboard over a LightGBM: ``run_explainerdashboard.py FOLDER PORT``. Run by the environment that has it;
see `benchmarks.explain.dashboard`.

The folder holds model.txt and rows.npz (rows, outcome, names). It serves until the file ``seen`` appears there, then
times what it answers about one customer and writes facts.json.
"""

from __future__ import annotations

import json
import sys
import threading
import time
import warnings
from importlib.metadata import version
from pathlib import Path

import lightgbm
import numpy as np
import pandas as pd
from explainerdashboard import ClassifierExplainer, ExplainerDashboard

CALLS = 50
VERSIONS = ("explainerdashboard", "shap", "dash", "lightgbm")


def classifier(folder, columns):
    """The booster in the scikit-learn coat that explainerdashboard asks for."""
    rng = np.random.default_rng(0)
    model = lightgbm.LGBMClassifier(n_estimators=1, verbose=-1)
    model.fit(rng.normal(size=(100, columns)), rng.integers(0, 2, 100))
    model._Booster = lightgbm.Booster(model_file=str(folder / "model.txt"))
    return model


def median_ms(call):
    call(0)
    times = []
    for row in range(CALLS):
        before = time.perf_counter()
        call(row)
        times.append(time.perf_counter() - before)
    return float(np.median(times)) * 1000


def main():
    warnings.simplefilter("ignore")
    folder, port = Path(sys.argv[1]), int(sys.argv[2])
    held = np.load(folder / "rows.npz")
    rows = pd.DataFrame(held["rows"], columns=held["names"].tolist())
    explainer = ClassifierExplainer(
        classifier(folder, rows.shape[1]), rows, pd.Series(held["outcome"], name="outcome"), model_output="logodds"
    )
    dashboard = ExplainerDashboard(explainer, shap_interaction=False)
    threading.Thread(target=dashboard.run, kwargs={"port": port, "host": "127.0.0.1"}, daemon=True).start()
    while not (folder / "seen").exists():
        time.sleep(0.05)
    other = rows.iloc[:CALLS].reset_index(drop=True)
    shares = explainer.get_shap_values_df().to_numpy()
    base = explainer.shap_base_value()
    log_odds = explainer.model.booster_.predict(rows, raw_score=True)
    facts = {
        "versions": {name: version(name) for name in VERSIONS},
        "known_ms": median_ms(lambda row: explainer.get_contrib_df(index=row)),
        "another_ms": median_ms(lambda row: explainer.get_contrib_df(X_row=other.iloc[[row]])),
        "additivity_error": float(np.abs(base + shares.sum(axis=1) - log_odds).max()),
    }
    (folder / "facts.json").write_text(json.dumps(facts))


if __name__ == "__main__":
    main()
