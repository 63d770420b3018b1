"""NannyML's CBPE with its defaults, on streams written by `benchmarks.monitoring.estimated`:
``run_nannyml.py FOLDER CHUNK FP FN``. Prints, by stream and chunk, value and bounds of each metric, as JSON."""

from __future__ import annotations

import json
import os
import sys
import warnings
from pathlib import Path

os.environ["NML_DISABLE_USAGE_LOGGING"] = "1"

import nannyml
import pandas as pd

warnings.simplefilter("ignore")

_NAMES = {"roc_auc": "roc_auc", "f1": "f1", "business_value": "cost_per_thousand"}


def estimated(path, chunk, fp, fn):
    frame = pd.read_parquet(path)
    reference, rest = frame[frame.part == "reference"], frame[frame.part != "reference"]
    cbpe = nannyml.CBPE(
        metrics=list(_NAMES),
        y_pred_proba="probability",
        y_pred="act",
        y_true="outcome",
        problem_type="classification_binary",
        chunk_size=chunk,
        business_value_matrix=[[0, -fp], [-fn, 0]],
    )
    cbpe.fit(reference.drop(columns="part"))
    told = cbpe.estimate(rest.drop(columns=["part", "outcome"])).filter(period="analysis").to_df()
    chunks = []
    for _, row in told.iterrows():
        one = {}
        for theirs, name in _NAMES.items():
            value, low, high = (
                float(row[theirs, part]) for part in ("value", "lower_confidence_boundary", "upper_confidence_boundary")
            )
            if theirs == "business_value":
                value, low, high = (-1000 * one / chunk for one in (value, high, low))  # its own norm is another one
            one[name] = [value, low, high]
        chunks.append(one)
    return chunks


folder, chunk, fp, fn = Path(sys.argv[1]), int(sys.argv[2]), float(sys.argv[3]), float(sys.argv[4])
print(json.dumps([estimated(path, chunk, fp, fn) for path in sorted(folder.glob("*.parquet"))]))
