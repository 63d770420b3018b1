"""Performance estimated before outcomes are known, held against them: plain, recalibrated, weighted; and NannyML's.

Run: ``python -m benchmarks.monitoring.estimated``. Chunks of 1,000 decisions of `benchmarks.monitoring.streams`; every
method gets the same reference rows with outcomes, the same probabilities and the same decisions. Errors are means over
chunks of the distance to what came true. NannyML's CBPE runs with its defaults in an environment of its own, looked
for in the folder that RISKLOOP_PEERS names (``nannyml/bin/python``; made from
``benchmarks/monitoring/peers/requirements-nannyml.txt``), and is left out where there is none. Its band is of three
standard errors of sampling, ours is to hold 95 % of the realised values.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl

from benchmarks.monitoring.streams import CHUNK, THRESHOLD, Rows, Stream, streams
from riskloop.intervals import Interval
from riskloop.learn.density import density_ratio
from riskloop.watch.expected import expect
from riskloop.watch.realised import realise
from riskloop.watch.recalibration import Weights, recalibrate
from riskloop.watch.tally import Tally

METRICS = ("roc_auc", "f1", "cost_per_thousand")
PEER = Path(__file__).parent / "peers" / "run_nannyml.py"
_FP, _FN = 1.0, 10.0

Told = dict[str, dict[str, Interval]]


def tally(rows: Rows) -> Tally:
    act = rows.probability >= THRESHOLD
    costs = np.where(act, 0.0, _FN), np.where(act, _FP, 0.0)
    return Tally.of(rows.probability, act, costs, rows.outcome, np.ones(len(act), dtype=bool))


def truth(rows: Rows) -> dict[str, Interval]:
    found = realise(tally(rows))
    assert found is not None
    return {name: found.metrics[name] for name in METRICS}


def ours(stream: Stream, rows: Rows) -> tuple[Told, dict[str, Any]]:
    """Every way of ours to estimate a chunk, and what the weighted one rests on."""
    reference, seen = stream.reference, tally(rows)
    everybody = Weights.of(np.ones(len(reference.outcome)), reference.outcome)
    ratio = density_ratio(reference.columns, rows.columns, stream.categorical, seed=0)
    weights = Weights.of(ratio.weights, reference.outcome, ratio.overlap)
    moved = {
        "recalibrated": recalibrate(reference.probability, reference.outcome, everybody, seed=0),
        "weighted": recalibrate(reference.probability, reference.outcome, weights, seed=0),
    }
    told: Told = {"plain": dict(expect(seen).metrics)}
    told |= {name: dict(expect(seen, one).metrics) for name, one in moved.items()}  # plain where there is none
    return told, {"effective_rows": weights.rows, "overlap": ratio.overlap, "fell_back": not weights.enough}


def nannyml(many: list[Stream]) -> list[list[dict[str, Interval]]] | None:
    """The same of NannyML, by stream and chunk; None where it is not there."""
    home = os.environ.get("RISKLOOP_PEERS")
    python = Path(home) / "nannyml" / "bin" / "python" if home else None
    if not python or not python.exists():
        print("NannyML is left out: no environment in RISKLOOP_PEERS", file=sys.stderr)
        return None
    with tempfile.TemporaryDirectory() as folder:
        for place, stream in enumerate(many):
            parts = [("reference", stream.reference), *((f"{n:03}", chunk) for n, chunk in enumerate(stream.chunks))]
            pl.concat([_frame(name, rows) for name, rows in parts]).write_parquet(Path(folder) / f"{place:03}.parquet")
        done = subprocess.run(
            [str(python), str(PEER), folder, str(CHUNK), str(_FP), str(_FN)],
            check=True,
            stdout=subprocess.PIPE,
            text=True,
        )
    told = json.loads(done.stdout.strip().splitlines()[-1])
    return [[{name: Interval(*one) for name, one in chunk.items()} for chunk in stream] for stream in told]


def _frame(part: str, rows: Rows) -> pl.DataFrame:
    act = (rows.probability >= THRESHOLD).astype(np.int8)
    return pl.DataFrame(
        {"part": part, "probability": rows.probability, "act": act, "outcome": rows.outcome.astype(np.int8)}
    )


def measure() -> dict[str, Any]:
    many = streams()
    peers = nannyml(many)
    kinds: dict[str, dict[str, list[tuple[dict[str, Interval], dict[str, Interval]]]]] = {}
    bases: dict[str, list[dict[str, Any]]] = {}
    seconds = 0.0
    for place, stream in enumerate(many):
        promised, beside = truth(stream.reference), kinds.setdefault(stream.name, {})
        for number, rows in enumerate(stream.chunks):
            started = time.perf_counter()
            told, basis = ours(stream, rows)
            seconds += time.perf_counter() - started
            told["promised"] = promised
            if peers:
                told["nannyml"] = peers[place][number]
            came = truth(rows)
            for method, metrics in told.items():
                beside.setdefault(method, []).append((metrics, came))
            bases.setdefault(stream.name, []).append(basis)
    return {
        "chunk": CHUNK,
        "seconds_per_chunk": round(seconds / sum(len(one.chunks) for one in many), 2),
        "nannyml": peers is not None,
        "streams": {
            kind: {
                "chunks": len(bases[kind]),
                "fell_back": sum(one["fell_back"] for one in bases[kind]),
                "overlap": round(float(np.median([one["overlap"] for one in bases[kind]])), 2),
                "effective_rows": round(float(np.median([one["effective_rows"] for one in bases[kind]]))),
                "methods": {method: _errors(pairs) for method, pairs in beside.items()},
            }
            for kind, beside in kinds.items()
        },
    }


def _errors(pairs: list[tuple[Mapping[str, Interval], Mapping[str, Interval]]]) -> dict[str, Any]:
    found = {}
    for name in METRICS:
        apart = [abs(told[name].value - came[name].value) for told, came in pairs]
        inside = [told[name].low <= came[name].value <= told[name].high for told, came in pairs]
        found[name] = {"error": float(np.mean(apart)), "covered": float(np.mean(inside))}
    return found


if __name__ == "__main__":
    print(json.dumps({"benchmark": "monitoring.estimated", "results": measure()}))
