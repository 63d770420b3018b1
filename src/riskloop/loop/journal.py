"""The journal of a training: finished candidates on disk, so that an interrupted training goes on where it stopped."""

from __future__ import annotations

import hashlib
from pathlib import Path

import numpy as np

import riskloop
from riskloop.bundle.sign import canonical
from riskloop.data.dataset import Dataset
from riskloop.learn.crossfit import OutOfFold
from riskloop.learn.training import Plan


class Journal:
    """Finished candidates in plain arrays, one file each; forgotten when their training ends well."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def recall(self, candidate: str) -> OutOfFold | None:
        """What the candidate achieved before the interruption; None if it had not finished."""
        path = self.folder / f"{candidate}.npz"
        if not path.is_file():
            return None
        with np.load(path, allow_pickle=False) as stored:
            fit_seconds, predict_seconds = stored["seconds"].tolist()
            return OutOfFold(stored["margin"], fit_seconds, predict_seconds)

    def keep(self, candidate: str, result: OutOfFold) -> None:
        """Write a finished candidate, whole or not at all."""
        self.folder.mkdir(parents=True, exist_ok=True)
        draft = self.folder / f".{candidate}.npz"
        np.savez(draft, margin=result.margin, seconds=np.array([result.fit_seconds, result.predict_seconds]))
        draft.replace(self.folder / f"{candidate}.npz")

    def forget(self) -> None:
        """Remove everything."""
        for path in self.folder.glob("*.npz"):
            path.unlink(missing_ok=True)
        if self.folder.is_dir():
            self.folder.rmdir()


def open_journal(folder: Path, dataset: Dataset, plan: Plan) -> Journal:
    """The journal of the trainings that would fit the same models to the same folds.

    Costs, policy and the choice of candidates are not part of it: they read what candidates predict and change
    nothing in it.
    """
    fitting = {
        "riskloop": riskloop.__version__,
        "data": dataset.fingerprint,
        "derived": dict(plan.derived),
        "folds": plan.folds,
        "split": [plan.split, plan.test_share, plan.embargo_days],
        "seed": plan.seed,
    }
    return Journal(folder / hashlib.sha256(canonical(fitting)).hexdigest()[:16])
