"""The founding project's own batches, and quiet ones drawn from its reference: who cries wolf, and who does not.

Its table of 10,127 customers, its batch that it called strong drift (and its report *stable*, while ROC-AUC fell from
.9988 to .9029), its batch drawn anew from the same customers, and 200 draws of 3,000 reference rows with replacement.
"""

from __future__ import annotations

import os
import tempfile
from pathlib import Path
from typing import Any

import numpy as np

from riskloop.costs import Costs
from riskloop.data.source import Source, read
from riskloop.loop.watching.seen import Seen
from riskloop.loop.workflows.initialise import initialise
from riskloop.loop.workflows.monitor import Monitored, monitor_batch
from riskloop.loop.workflows.train import train
from riskloop.watch.drift import drift
from riskloop.watch.profile import Profile
from riskloop.wiring import open_project

DATA = Path(os.environ.get("RISKLOOP_DATA") or Path(__file__).parents[3] / "shared" / "data") / "bankchurners"
DRAWS, ROWS = 200, 3_000


def founding() -> dict[str, Any]:
    """Everything."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        source = Source(str(DATA / "churn2.csv"))
        frame, _ = read(source)
        target = "Attrition_Flag"
        initialise(folder, source, target, id_column="CLIENTNUM", costs=Costs(fp=1, fn=10))
        project = open_project(folder)
        train(project, candidates=("lightgbm",), promote_reason="benchmark")
        _, bundle = project.bundle()
        reference, problem = Profile.from_dict(bundle.profile), project.settings.problem.problem()
        rng, verdicts = np.random.default_rng(3), []
        for _ in range(DRAWS):
            seen = Seen(bundle, reference)
            seen.frame(frame[rng.integers(0, frame.height, ROWS)].drop(target), problem)
            verdicts.append(drift(reference, seen.current()).verdict)
        batches = {path.stem: monitor_batch(project, str(path)) for path in sorted(DATA.glob("prod_batch_*.csv"))}
    told = {word: verdicts.count(word) for word in ("stable", "watch", "drifted")}
    return {"draws": DRAWS, "rows": ROWS, **told, "batches": {stem: _told(one) for stem, one in batches.items()}}


def _told(found: Monitored) -> dict[str, Any]:
    realised = found.realised["roc_auc"].value if found.realised else None
    return {
        "rows": found.drift.rows,
        "verdict": found.drift.verdict,
        "moved": [one.name for one in found.drift.moved],
        "relative_harm": found.drift.relative_harm.to_dict(),
        "roc_auc": None if realised is None else round(realised, 4),
    }
