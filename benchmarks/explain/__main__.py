"""What an explanation costs, beside LightGBM's own and shap's, and how exactly the shares add up.

Run: ``python -m benchmarks.explain``. One LightGBM of 400 trees x 31 leaves, 100 customers of the training rows as
background, 10,000 others to explain. shap runs in an environment of its own, looked for in the folder that
RISKLOOP_PEERS names (``shap/bin/python``; made from ``benchmarks/explain/peers/requirements-shap.txt``), and is left
out where there is none.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.datasets import FN_TEN_FP, load
from riskloop.learn.blending import Recipe, assemble
from riskloop.learn.block import Block
from riskloop.learn.candidates.families import select_candidates
from riskloop.learn.crossfit import Fitted, fit
from riskloop.learn.plan import Plan, training_block
from riskloop.scorer.calibration import Calibration
from riskloop.scorer.encoding import Encoding
from riskloop.scorer.explainer import Explainer
from riskloop.scorer.forest import Forest
from riskloop.scorer.forest.attribution import ForestAttribution
from riskloop.scorer.scorer import Model, Scorer

TABLE = "uci_credit_card"
LIGHTGBM = {"rounds": 400, "leaves": 31}
BACKGROUND = 100
ROWS = 10_000
CALLS = 300
TIMES = 3
ADDED = 1_000
FEW = 50  # of a forest without tables, which takes long
FAMILIES = ("lightgbm", "xgboost", "catboost", "random_forest", "logistic_regression")
BLENDED = ("lightgbm", "catboost", "logistic_regression")
PEER = Path(__file__).parent / "peers" / "run_shap.py"


def median_ms(call: Callable[[int], object], calls: int = CALLS) -> float:
    """Median time of a call that is given a row's number."""
    call(0)
    times = []
    for row in range(calls):
        before = time.perf_counter()
        call(row)
        times.append(time.perf_counter() - before)
    return float(np.median(times)) * 1000


def rows_per_second(call: Callable[[], object], rows: int) -> float:
    """Best of three."""
    best = 0.0
    for _ in range(TIMES):
        before = time.perf_counter()
        call()
        best = max(best, rows / (time.perf_counter() - before))
    return best


def scorer_of(block: Block, encoding: Encoding, model: Model) -> Scorer:
    return Scorer(block.contract, encoding, model, Calibration())


def beside(block: Block, fitted: Fitted, customers: dict[str, Any], background: dict[str, Any]) -> dict[str, Any]:
    """riskloop, LightGBM's own and shap's explanations of one model."""
    encoding, forest = fitted.encoding, fitted.model
    booster: Any = fitted.estimator
    assert isinstance(forest, Forest)
    assert not encoding.categorical, "shap's interventional values know no sets of categories"
    matrix, others = encoding.matrix(customers), encoding.matrix(background)
    explainer = Explainer(scorer_of(block, encoding, forest), background)
    columns = np.arange(forest.n_features)
    before = time.perf_counter()
    attribution = ForestAttribution(forest, columns, len(columns), others)
    build = time.perf_counter() - before
    ways: dict[str, tuple[Callable[[int], object], Callable[[], object]]] = {
        "riskloop": (partial(alone, explainer, customers), lambda: explainer.explain(customers)),
        "riskloop, from the matrix": (
            lambda row: attribution.shares(matrix[row : row + 1]),
            lambda: attribution.shares(matrix),
        ),
        "LightGBM pred_contrib, one core": (
            lambda row: booster.predict(matrix[row : row + 1], pred_contrib=True, num_threads=1),
            lambda: booster.predict(matrix, pred_contrib=True, num_threads=1),
        ),
        "LightGBM pred_contrib": (
            lambda row: booster.predict(matrix[row : row + 1], pred_contrib=True),
            lambda: booster.predict(matrix, pred_contrib=True),
        ),
    }
    timed = {
        name: {"one_ms": median_ms(one), "rows_per_second": rows_per_second(all_, len(matrix))}
        for name, (one, all_) in ways.items()
    }
    found: dict[str, Any] = {
        "model": f"lightgbm, {forest.n_trees} trees x {LIGHTGBM['leaves']} leaves",
        "columns": len(columns),
        "rows": len(matrix),
        "background": len(others),
        "build_seconds": round(build, 2),
        "table_mb": round(attribution.nbytes / 1e6, 1),
    }
    peer = _shap(booster, matrix, others)
    if peer:
        facts, values = peer
        ours = attribution.shares(matrix[: len(values)])
        timed |= facts["timed"]
        error = attribution.base + ours.sum(axis=1) - forest.margin(matrix[: len(values)])
        found["values"] = {
            "rows": len(values),
            "largest_difference": float(np.abs(ours - values).max()),
            "largest_share": float(np.abs(ours).max()),
            "additivity_error": float(np.abs(error).max()),
            "additivity_error_of_shap": facts["additivity_error"],
            "versions": facts["versions"],
        }
    return found | {"timed": timed}


def _shap(booster: Any, matrix: np.ndarray, background: np.ndarray) -> tuple[dict[str, Any], np.ndarray] | None:
    """Times of shap, and its interventional values of the first rows; None where it is not there."""
    home = os.environ.get("RISKLOOP_PEERS")
    python = Path(home) / "shap" / "bin" / "python" if home else None
    if not python or not python.exists():
        print("shap is left out: no environment in RISKLOOP_PEERS", file=sys.stderr)
        return None
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place)
        booster.save_model(str(folder / "model.txt"))
        np.savez(folder / "rows.npz", rows=matrix, background=background)
        subprocess.run([str(python), str(PEER), place], check=True, stdout=subprocess.DEVNULL)
        return json.loads((folder / "facts.json").read_text()), np.load(folder / "values.npy")


def families(block: Block, customers: dict[str, Any], background: dict[str, Any]) -> dict[str, Any]:
    """How exactly base and shares add up to what the scorer says, and what an explanation costs, model by model."""
    fitted = {name: fitted_on(block, name) for name in FAMILIES}
    models = {name: (one.encoding, one.model) for name, one in fitted.items()}
    recipe = Recipe("blend", dict.fromkeys(BLENDED, 1 / len(BLENDED)))
    joint, blend = assemble(recipe, [(*models[name], 1 / len(BLENDED)) for name in BLENDED])
    models[f"blend of {', '.join(BLENDED)}"] = joint, blend
    found = {}
    for name, (encoding, model) in models.items():
        scorer = scorer_of(block, encoding, model)
        before = time.perf_counter()
        explainer = Explainer(scorer, background)
        build = time.perf_counter() - before
        rows = FEW if name == "random_forest" else ADDED
        some = {column: values[:rows] for column, values in customers.items()}
        before = time.perf_counter()
        explained = explainer.explain(some)
        took = time.perf_counter() - before
        error = explained.base + explained.shares.sum(axis=1) - scorer.margin(some)
        found[name] = {
            "leaves": int((model.feature < 0).sum()) if isinstance(model, Forest) else None,
            "build_seconds": round(build, 2),
            "rows": rows,
            "additivity_error": float(np.abs(error).max()),
            "one_ms": median_ms(partial(alone, explainer, some), min(CALLS, rows // 5)),
            "rows_per_second": rows / took,
        }
        print(name, found[name], file=sys.stderr, flush=True)
    return found


def alone(explainer: Explainer, columns: dict[str, Any], row: int) -> object:
    return explainer.explain({name: values[row : row + 1] for name, values in columns.items()})


def fitted_on(block: Block, name: str) -> Fitted:
    [candidate] = select_candidates([name], len(block.outcome))
    chosen = candidate.tuned(LIGHTGBM) if name == "lightgbm" else candidate
    return fit(chosen, block, np.ones(len(block.outcome), dtype=bool), seed=42)


def main() -> None:
    dataset = load(TABLE)
    order = np.random.default_rng(7).permutation(len(dataset))
    block = training_block(dataset, np.sort(order[ROWS:]), Plan([], FN_TEN_FP))
    customers, background = dataset.take(order[:ROWS]), dataset.take(order[ROWS : ROWS + BACKGROUND])
    results: dict[str, Any] = {"table": TABLE, "load": round(os.getloadavg()[0], 1)}
    results |= beside(block, fitted_on(block, "lightgbm"), customers, background)
    results["families"] = families(block, customers, background)
    print(json.dumps({"benchmark": "explain", "results": results}))


if __name__ == "__main__":
    main()
