"""Evidently's drift preset with its defaults, on the draws of `benchmarks.monitoring.draws`: ``run_evidently.py PART``.
Run by the environment that has Evidently, from the root of the repository; prints one JSON document."""

from __future__ import annotations

import json
import os
import resource
import sys
import time
from importlib.metadata import version
from pathlib import Path

os.environ["DO_NOT_TRACK"] = "1"
sys.path.insert(0, str(Path(__file__).parents[3]))

import numpy as np
import pandas as pd
from evidently import DataDefinition, Dataset, Report
from evidently.presets import DataDriftPreset

from benchmarks.monitoring.draws import CATEGORIES, LEVELS, MOVED, NUMBERS, REFERENCE_ROWS, SHIFTS, draw

BATCHES = 5
SIZES = {300: 15, 1_000: 15}
_DEFINITION = DataDefinition(numerical_columns=list(NUMBERS), categorical_columns=list(CATEGORIES))


def table(columns):
    frame = pd.DataFrame(columns)
    for name in CATEGORIES:
        frame[name] = np.array(LEVELS)[columns[name]]
    return Dataset.from_pandas(frame, data_definition=_DEFINITION)


def drifted(reference, current):
    """Names of the columns that it calls drifted, and whether it calls the table so."""
    told = Report([DataDriftPreset()]).run(current, reference).dict()["metrics"]
    share = next(one["value"]["share"] for one in told if one["metric_name"].startswith("DriftedColumnsCount"))
    names = set()
    for one in told:
        config = one["config"]
        if config["type"].endswith("ValueDrift"):
            distance = "distance" in config["method"] or "PSI" in config["method"]
            apart = one["value"] >= config["threshold"] if distance else one["value"] < config["threshold"]
            names |= {config["column"]} if apart else set()
    return names, share >= 0.5


def scale():
    rng = np.random.default_rng(0)
    reference, current = table(draw(rng, REFERENCE_ROWS)), table(draw(rng, 1_000_000))
    held = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    started, worked = time.perf_counter(), time.process_time()
    drifted(reference, current)
    seconds = time.perf_counter() - started
    added = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024 - held
    worked = time.process_time() - worked
    told = {"seconds": round(seconds, 2), "cpu_seconds": round(worked, 2), "added_mb": round(added, 1)}
    return told | {"version": version("evidently")}


def found():
    rng = np.random.default_rng(42)
    reference = table(draw(rng, REFERENCE_ROWS))
    told = []
    for rows in (1_000, 10_000):
        for psi, shift in ((0.0, 0.0), (0.05, SHIFTS[0.05])):
            made = [drifted(reference, table(draw(rng, rows, shift))) for _ in range(BATCHES)]
            others = [bool(names - {MOVED}) for names, _ in made]
            hits = [MOVED in names for names, _ in made]
            told.append(
                {
                    "rows": rows,
                    "psi": psi,
                    "batches": BATCHES,
                    "moved": float(np.mean(hits)),
                    "any_other_column": float(np.mean(others)),
                    "drifted": float(np.mean([alarm for _, alarm in made])),
                }
            )
    return told


def alarms():
    """How often it calls any of twenty columns drifted, where none is."""
    rng = np.random.default_rng(7)
    reference = table(draw(rng, REFERENCE_ROWS))
    told = []
    for rows, batches in SIZES.items():
        made = [drifted(reference, table(draw(rng, rows))) for _ in range(batches)]
        either = {"any": [bool(names) for names, _ in made], "table": [alarm for _, alarm in made]}
        told.append({"rows": rows, "batches": batches, **{key: float(np.mean(one)) for key, one in either.items()}})
    return told


parts = {"scale": scale, "found": found, "alarms": alarms}
print(json.dumps(parts[sys.argv[1]]()))
