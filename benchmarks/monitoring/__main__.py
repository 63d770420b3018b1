"""Watching: how long a profile and its comparison take, how often they cry wolf, and what they find.

Run: ``python -m benchmarks.monitoring [PART]``; a PART of `PARTS` runs alone. Scale: 1,000,000 x 20 against a reference
of 100,000 rows, beside SciPy's Kolmogorov-Smirnov test alone; 10,000,000 rows by parts for the memory; a hundred
columns from Parquet to verdict (`wide`). False alarms and power: simulated columns of four kinds (normal, heavy-tailed,
counts, half zeros) and categories, thresholds as they are. Power is that of one column of twenty whose mean moves until
PSI is .02, .05 or .1: *found* is significant after Benjamini and Hochberg, *moved* is also large enough. `rules` are
those in common use; `equal` gives everybody the same false alarms; `founding` are the founding project's own batches.
Peers run on the same draws in environments of their own, looked for in the folder that RISKLOOP_PEERS names
(``evidently/bin/python``; made from ``benchmarks/monitoring/peers/requirements-evidently.txt``), and are left out where
there is none. Estimates of performance beside NannyML's are in `benchmarks.monitoring.estimated`.
"""

from __future__ import annotations

import json
import os
import resource
import subprocess
import sys
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.monitoring import rules
from benchmarks.monitoring.draws import CATEGORIES, LEVELS, MOVED, NUMBERS, REFERENCE_ROWS, SHIFTS, draw
from benchmarks.monitoring.equal import equal
from benchmarks.monitoring.founding import founding
from benchmarks.monitoring.wide import measure, wide
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
NULL_BATCHES = {1_000: 1_000, 10_000: 500, 100_000: 200, 1_000_000: 40}
POWER_BATCHES = 100
PEERS = Path(__file__).parent / "peers"


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
    one, two, ks, work = [], [], [], []
    for _ in range(5):
        started, worked = time.perf_counter(), time.process_time()
        current = known.measure(columns, told)
        drift(known, current)
        one.append(time.perf_counter() - started)
        work.append(time.process_time() - worked)
        with ThreadPoolExecutor(2) as pool:
            started = time.perf_counter()
            drift(known, known.measure(columns, told, each=pool.map))
            two.append(time.perf_counter() - started)
    added = peak_mb() - held
    for _ in range(2):
        started, worked = time.perf_counter(), time.process_time()
        for name in NUMBERS:
            ks_2samp(before[name], columns[name], method="asymp")
        ks.append((time.perf_counter() - started, time.process_time() - worked))
    return {
        "rows": 1_000_000,
        "columns": len(columns),
        "seconds": round(min(one), 3),
        "cpu_seconds": round(min(work), 3),
        "seconds_two_threads": round(min(two), 3),
        "added_mb": round(added, 1),
        "scipy_ks_seconds": round(min(ks)[0], 3),
        "scipy_ks_cpu_seconds": round(min(cpu for _, cpu in ks), 3),
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


def _alone(name: str) -> Any:
    """In a process of its own, so that its memory is its own."""
    done = subprocess.run(
        [sys.executable, "-m", "benchmarks.monitoring", name], check=True, stdout=subprocess.PIPE, text=True
    )
    return json.loads(done.stdout.strip().splitlines()[-1])


def _peer(name: str, script: str, parts: tuple[str, ...]) -> dict[str, Any] | None:
    """The same of a peer; None where it is not there."""
    home = os.environ.get("RISKLOOP_PEERS")
    python = Path(home) / name / "bin" / "python" if home else None
    if not python or not python.exists():
        print(f"{name} is left out: no environment in RISKLOOP_PEERS", file=sys.stderr)
        return None
    told = {}
    for part in parts:
        command = [str(python), str(PEERS / script), part]
        done = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True)
        told[part] = json.loads(done.stdout.strip().splitlines()[-1])
    return told


def own() -> dict[str, Any]:
    """False alarms and power with thresholds as they are."""
    rng = np.random.default_rng(42)
    known = reference(rng)
    return {"alarms": alarms(known, rng), "power": power(known, rng)}


def by_rules() -> dict[str, Any]:
    """False alarms of the rules in common use, and power where everybody may be wrong as often."""
    power = {
        one.__name__: equal(one) for one in (rules.riskloop, rules.kolmogorov_smirnov, rules.psi, rules.wasserstein)
    }
    return {"alarms": rules.false_alarms(), "power": power}


PARTS: dict[str, Callable[..., Any]] = {
    "scale": scale,
    "flat": flat,
    "wide": wide,
    "measure": measure,
    "founding": founding,
    "own": own,
    "rules": by_rules,
    "evidently": lambda: _peer("evidently", "run_evidently.py", ("scale", "found", "alarms")),
    "nannyml": lambda: _peer("nannyml", "run_nannyml_drift.py", ("scale", "alarms", "power")),
}
"""What can be run by itself; prints one JSON document, its last line."""


def main() -> None:
    if sys.argv[1:]:
        print(json.dumps(PARTS[sys.argv[1]](*sys.argv[2:])))
        return
    results = {
        "load": round(os.getloadavg()[0], 1),
        **{name: _alone(name) for name in ("scale", "flat")},
        **_alone("own"),
        **{name: _alone(name) for name in ("rules", "founding", "wide", "evidently", "nannyml")},
    }
    print(json.dumps({"benchmark": "monitoring", "results": results}))


if __name__ == "__main__":
    main()
