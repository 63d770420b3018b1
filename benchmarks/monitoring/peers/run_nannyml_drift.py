"""NannyML's univariate drift with its defaults, on the draws of `benchmarks.monitoring`: ``run_nannyml.py PART``.
Run by the environment that has NannyML, from the root of the repository; prints one JSON document."""

from __future__ import annotations

import json
import os
import resource
import sys
import time
import warnings
from importlib.metadata import version
from pathlib import Path

os.environ["NML_DISABLE_USAGE_LOGGING"] = "1"
sys.path.insert(0, str(Path(__file__).parents[3]))

import numpy as np
import pandas as pd
from nannyml.drift.univariate import UnivariateDriftCalculator
from nannyml.drift.univariate.methods import FeatureType, MethodFactory

from benchmarks.monitoring.draws import CATEGORIES, LEVELS, NUMBERS, REFERENCE_ROWS, draw
from benchmarks.monitoring.equal import equal

warnings.simplefilter("ignore")
COLUMNS = [*NUMBERS, *CATEGORIES]
SIZES = {300: 200, 1_000: 100, 10_000: 20}
"""Rows of a batch, and how many of them."""


def table(columns):
    frame = pd.DataFrame(columns)
    for name in CATEGORIES:
        frame[name] = np.array(LEVELS)[columns[name]]
    return frame


def scale():
    rng = np.random.default_rng(0)
    reference, current = table(draw(rng, REFERENCE_ROWS)), table(draw(rng, 1_000_000))
    held = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    started, worked = time.perf_counter(), time.process_time()
    made = UnivariateDriftCalculator(column_names=COLUMNS, chunk_size=REFERENCE_ROWS).fit(reference)
    fitted = time.perf_counter()
    made.calculate(current)
    return {
        "seconds": round(time.perf_counter() - started, 2),
        "seconds_without_reference": round(time.perf_counter() - fitted, 2),
        "cpu_seconds": round(time.process_time() - worked, 2),
        "added_mb": round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024 - held, 1),
        "version": version("nannyml"),
    }


def alarms():
    """How often it calls any of twenty columns drifted, where none is; one batch is one chunk."""
    rng = np.random.default_rng(7)
    reference = table(draw(rng, REFERENCE_ROWS))
    told = []
    for rows, batches in SIZES.items():
        made = UnivariateDriftCalculator(column_names=COLUMNS, chunk_size=rows).fit(reference)
        found = made.calculate(table(draw(rng, rows * batches))).filter(period="analysis").to_df()
        alerts = found[[name for name in found.columns if name[-1] == "alert"]]
        told.append({"rows": rows, "batches": len(alerts), "any": float(alerts.any(axis=1).mean())})
    return told


def jensen_shannon(reference):
    from nannyml.chunk import SizeBasedChunker
    from nannyml.thresholds import StandardDeviationThreshold

    method = MethodFactory.create(
        key="jensen_shannon",
        feature_type=FeatureType.CONTINUOUS,
        chunker=SizeBasedChunker(1_000),
        threshold=StandardDeviationThreshold(),
        computation_params={},
    )
    method.fit(pd.Series(reference, name="x"))
    return lambda batch: float(method.calculate(pd.Series(batch, name="x")))


print(json.dumps({"scale": scale, "alarms": alarms, "power": lambda: equal(jensen_shannon)}[sys.argv[1]]()))
