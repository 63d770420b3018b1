"""The service that is written first: FastAPI, pydantic, and a scikit-learn pipeline asked about a frame of one row.

``naive.py PORT FOLDER`` serves what `pipeline.py` made. Run by an environment of its own; see `benchmarks.serving`.
"""

import json
import sys
from pathlib import Path

import joblib
import pandas as pd
import uvicorn
from fastapi import FastAPI
from pydantic import create_model


def application(folder):
    model = joblib.load(folder / "pipeline.joblib")
    threshold = json.loads((folder / "facts.json").read_text())["threshold"]
    names = list(model.feature_names_in_)
    Customer = create_model("Customer", **dict.fromkeys(names, (float, ...)))
    app = FastAPI()

    @app.post("/predict")
    def predict(customer: Customer):
        row = pd.DataFrame([customer.model_dump()])[names]
        probability = float(model.predict_proba(row)[0, 1])
        return {"probability": probability, "decision": "act" if probability >= threshold else "leave"}

    return app


def main():
    port, folder = sys.argv[1:]
    uvicorn.run(application(Path(folder)), port=int(port), access_log=False, log_level="warning")


if __name__ == "__main__":
    main()
