"""The booster of a folder (model.txt, facts.json) as a scikit-learn pipeline (pipeline.joblib): ``pipeline.py FOLDER``.

Run by the environment that serves it; see `benchmarks.serving`.
"""

import json
import sys
from pathlib import Path

import joblib
import lightgbm
import numpy as np
import pandas as pd
from sklearn.impute import SimpleImputer
from sklearn.pipeline import Pipeline


def pipeline(folder):
    """The booster behind the usual first step, fitted on the customers."""
    facts = json.loads((folder / "facts.json").read_text())
    rows = pd.DataFrame(facts["customers"])[facts["features"]].astype(float)
    model = lightgbm.LGBMClassifier(n_estimators=1, verbosity=-1).fit(rows, np.arange(len(rows)) % 2)
    model._Booster = lightgbm.Booster(model_file=str(folder / "model.txt"))
    steps = [("impute", SimpleImputer().set_output(transform="pandas").fit(rows)), ("model", model)]
    return Pipeline(steps)


def main():
    folder = Path(sys.argv[1])
    joblib.dump(pipeline(folder), folder / "pipeline.joblib")


if __name__ == "__main__":
    main()
