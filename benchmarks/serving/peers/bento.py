"""BentoML serving the pipeline of `naive.py`; FOLDER in the variable RISKLOOP_PEER_FOLDER. Run by an environment of
its own; see `benchmarks.serving`."""

import os
from pathlib import Path

import bentoml
import joblib
import pandas as pd

FOLDER = Path(os.environ["RISKLOOP_PEER_FOLDER"])


@bentoml.service(workers=1, logging={"access": {"enabled": False}})
class Risk:
    def __init__(self):
        self.model = joblib.load(FOLDER / "pipeline.joblib")
        self.names = list(self.model.feature_names_in_)

    @bentoml.api
    def predict(self, customer: dict[str, float]) -> float:
        row = pd.DataFrame([customer])[self.names]
        return float(self.model.predict_proba(row)[0, 1])
