"""Watching: how long a profile and its comparison take, how often they cry wolf, and what they find.

Run: ``python -m benchmarks.monitoring``. Scale: 1,000,000 x 20 against a reference of 100,000 rows, beside SciPy's
Kolmogorov-Smirnov test alone; 10,000,000 rows by parts for the memory. False alarms and power: simulated columns of
four kinds (normal, heavy-tailed, counts, half zeros) and categories, thresholds as they are. Power is that of one
column of twenty whose mean moves until PSI is .02, .05 or .1: *found* is significant after Benjamini and Hochberg,
*moved* is also large enough. Evidently runs on the same draws in an environment of its own, looked for in the folder
that RISKLOOP_PEERS names (``evidently/bin/python``; made from
``benchmarks/monitoring/peers/requirements-evidently.txt``), and is left out where there is none. Estimates of
performance beside NannyML's are in `benchmarks.monitoring.estimated`.
"""

from __future__ import annotations

import json
import os
import resource
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.monitoring.draws import CATEGORIES, LEVELS, MOVED, NUMBERS, REFERENCE_ROWS, SHIFTS, draw
from riskloop.costs import Costs
from riskloop.data.contract import Column, Columns, Contract
from riskloop.decide.policy import Policy
from riskloop.watch.drift import Drift, drift
from riskloop.watch.profile import Profile, Scores

CONTRACT = Contract(
    (
        *(Column(name, nullable=True) for name in NUMBERS),
        *(Column(name, "category", levels=LEVELS, nullable=True, unknown="bin") for name in CATEGORIES),
    ),
    features=(*NUMBERS, *CATEGORIES),
)
POLICY = Policy("cost", 1 / 11, Costs(fp=10, fn=100))
NULL_BATCHES = {1_000: 400, 10_000: 200, 100_000: 60}
POWER_BATCHES = 100
PEER = Path(__file__).parent / "peers" / "run_evidently.py"


def scores(columns: Columns) -> Scores:
    log_odds = -2 + 0.8 * columns["x0"] + 0.3 * columns["c0"]
    return Scores.of(POLICY, 1 / (1 + np.exp(-log_odds)), POLICY.costs)


def reference(rng: np.random.Generator) -> Profile:
    columns = draw(rng, REFERENCE_ROWS)
    return Profile.of(CONTRACT, columns, scores(columns))


def peak_mb() -> float:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def scale() -> dict[str, Any]:
    """A million rows, in a process of its own."""
    from scipy.stats import ks_2samp

    rng = np.random.default_rng(0)
    before = draw(rng, REFERENCE_ROWS)
    known = Profile.of(CONTRACT, before, scores(before))
    columns = draw(rng, 1_000_000)
    told = scores(columns)
    drift(known, known.measure({name: values[:1000] for name, values in columns.items()}, told.take(np.arange(1000))))
    held = peak_mb()
    one, two, ks = [], [], []
    for _ in range(3):
        started = time.perf_counter()
        current = known.measure(columns, told)
        drift(known, current)
        one.append(time.perf_counter() - started)
        with ThreadPoolExecutor(2) as pool:
            started = time.perf_counter()
            drift(known, known.measure(columns, told, each=pool.map))
            two.append(time.perf_counter() - started)
    added = peak_mb() - held
    for _ in range(2):
        started = time.perf_counter()
        for name in NUMBERS:
            ks_2samp(before[name], columns[name], method="asymp")
        ks.append(time.perf_counter() - started)
    return {
        "rows": 1_000_000,
        "columns": len(columns),
        "seconds": round(min(one), 3),
        "seconds_two_threads": round(min(two), 3),
        "added_mb": round(added, 1),
        "scipy_ks_seconds": round(min(ks), 3),
        "scipy_ks_columns": len(NUMBERS),
    }


def flat() -> dict[str, Any]:
    """Ten million rows, a hundred thousand at a time, in a process of its own."""
    rng = np.random.default_rng(0)
    known = reference(rng)
    part = draw(rng, 100_000)
    told = scores(part)
    total = known.measure(part, told)
    held, spent = peak_mb(), 0.0
    for _ in range(99):
        started = time.perf_counter()
        total = total.merge(known.measure(part, told))
        spent += time.perf_counter() - started
    return {"rows": total.rows, "seconds": round(spent, 2), "added_mb": round(peak_mb() - held, 1)}


def alarms(known: Profile, rng: np.random.Generator) -> list[dict[str, Any]]:
    """How often tables are called drifted, and columns significant, where nothing has moved."""
    found = []
    for rows, batches in NULL_BATCHES.items():
        made = [_compared(known, draw(rng, rows)) for _ in range(batches)]
        found.append(
            {
                "rows": rows,
                "batches": batches,
                "drifted": sum(one.drifted for one in made) / batches,
                "not_stable": sum(one.verdict != "stable" for one in made) / batches,
                "any_column_significant": sum(_found(one) > 0 for one in made) / batches,
                "p_below_05": float(np.mean([[column.p_value < 0.05 for column in one.columns] for one in made])),
            }
        )
    return found


def power(known: Profile, rng: np.random.Generator) -> list[dict[str, Any]]:
    """How often one column of twenty that moved is found."""
    found = []
    for rows in (1_000, 10_000):
        for psi, shift in SHIFTS.items():
            made = []
            for _ in range(POWER_BATCHES):
                columns = draw(rng, rows, shift)
                made.append(next(one for one in _compared(known, columns).columns if one.name == MOVED))
            found.append(
                {
                    "rows": rows,
                    "psi": psi,
                    "found": float(np.mean([one.adjusted <= 0.01 for one in made])),
                    "moved": float(np.mean([one.drifted for one in made])),
                }
            )
    return found


def _compared(known: Profile, columns: Columns) -> Drift:
    return drift(known, known.measure(columns, scores(columns)))


def _found(one: Drift) -> int:
    return sum(column.adjusted <= one.thresholds.level for column in one.columns)


def _alone(name: str) -> dict[str, Any]:
    """In a process of its own, so that its memory is its own."""
    done = subprocess.run(
        [sys.executable, "-m", "benchmarks.monitoring", name], check=True, stdout=subprocess.PIPE, text=True
    )
    alone: dict[str, Any] = json.loads(done.stdout)
    return alone


def _evidently() -> dict[str, Any] | None:
    """The same of Evidently; None where it is not there."""
    home = os.environ.get("RISKLOOP_PEERS")
    python = Path(home) / "evidently" / "bin" / "python" if home else None
    if not python or not python.exists():
        print("Evidently is left out: no environment in RISKLOOP_PEERS", file=sys.stderr)
        return None
    told = {}
    for part in ("scale", "found"):
        done = subprocess.run([str(python), str(PEER), part], check=True, stdout=subprocess.PIPE, text=True)
        told[part] = json.loads(done.stdout.strip().splitlines()[-1])
    return told


def main() -> None:
    if sys.argv[1:]:
        print(json.dumps({"scale": scale, "flat": flat}[sys.argv[1]]()))
        return
    load = os.getloadavg()[0]
    rng = np.random.default_rng(42)
    known = reference(rng)
    results = {
        "load": round(load, 1),
        "scale": _alone("scale"),
        "flat": _alone("flat"),
        "alarms": alarms(known, rng),
        "power": power(known, rng),
        "evidently": _evidently(),
    }
    print(json.dumps({"benchmark": "monitoring", "results": results}))


if __name__ == "__main__":
    main()
