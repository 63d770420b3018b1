"""AutoGluon, ``best_quality``, scored on ROC-AUC. Run by the environment that has it; see `benchmarks.quality`."""

from __future__ import annotations

import shutil
import tempfile
from pathlib import Path

from contestant import run, size_mb


def fit(train, outcome, seconds, _seed):
    from autogluon.tabular import TabularPredictor

    folder = Path(tempfile.mkdtemp()) / "ag"
    table = train.assign(outcome=outcome)
    predictor = TabularPredictor("outcome", eval_metric="roc_auc", path=str(folder), verbosity=0).fit(
        table, presets="best_quality", time_limit=seconds, num_cpus=2, num_gpus=0
    )
    deployed = folder.with_name("deployed")
    predictor.clone_for_deployment(str(deployed))
    size = size_mb(deployed)
    predictor.persist()

    def probability(rows):
        return predictor.predict_proba(rows)[1].to_numpy()

    def decide(rows):
        return predictor.predict(rows).to_numpy() == 1

    return probability, decide, size, lambda: shutil.rmtree(folder.parent, ignore_errors=True)


if __name__ == "__main__":
    run(fit)
