"""FLAML with its defaults, scored on ROC-AUC. Run by the environment that has it; see `benchmarks.quality`."""

from __future__ import annotations

import pickle

from contestant import run


def fit(train, outcome, seconds, seed):
    from flaml import AutoML

    automl = AutoML()
    table = train.copy()
    for name in table.select_dtypes(exclude="number").columns:
        table[name] = table[name].astype("category")
    kinds = {name: table[name].dtype for name in table.columns}
    automl.fit(
        table, outcome, task="classification", metric="roc_auc", time_budget=seconds, seed=seed, verbose=0, n_jobs=2
    )

    def probability(rows):
        return automl.predict_proba(rows.astype(kinds))[:, 1]

    def decide(rows):
        return automl.predict(rows.astype(kinds)) == 1

    return probability, decide, len(pickle.dumps(automl)) / 1e6, lambda: None


if __name__ == "__main__":
    run(fit)
