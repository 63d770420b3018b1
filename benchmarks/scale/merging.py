"""How long a thousand windows take to be one profile."""

from __future__ import annotations

import time
from functools import reduce
from pathlib import Path
from statistics import median
from typing import Any

from riskloop.data.frames import decode_frame
from riskloop.data.source import read
from riskloop.watch.profile import Profile, Scores
from riskloop.wiring import open_project


def merging(folder: Path, windows: int) -> dict[str, Any]:
    """Figures of a project's profile: windows of twenty different ones, 500 rows each."""
    project = open_project(folder)
    _, bundle = project.bundle()
    reference = Profile.from_dict(bundle.profile)
    frame, _ = read(project.source)
    made = []
    for start in range(0, 10_000, 500):
        columns = decode_frame(bundle.contract, frame[start : start + 500]).columns
        scores = Scores.of(bundle.policy, bundle.scorer.probability(columns), bundle.policy.costs.of(columns))
        made.append(reference.measure(columns, scores))
    many = [made[place % len(made)] for place in range(windows)]
    seconds = []
    for _ in range(5):
        began = time.perf_counter()
        whole = reduce(Profile.merge, many)
        seconds.append(time.perf_counter() - began)
    assert whole.rows == 500 * windows
    return {"windows": windows, "columns": len(reference.columns), "seconds": round(median(seconds), 3)}
