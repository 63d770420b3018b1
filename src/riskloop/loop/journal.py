"""The journal of a training: finished candidates on disk, so that an interrupted training goes on where it stopped."""

from __future__ import annotations

import hashlib
import json
from contextlib import suppress
from pathlib import Path
from shutil import rmtree
from tempfile import TemporaryDirectory
from typing import Any

import riskloop
from riskloop.bundle.arrays import from_bytes, to_bytes
from riskloop.bundle.forms import build, form_of
from riskloop.bundle.sign import canonical
from riskloop.data.dataset import Dataset
from riskloop.learn.crossfit import OutOfFold
from riskloop.learn.plan import Plan
from riskloop.scorer.encoding import Encoding
from riskloop.scorer.scorer import Model

_FACTS = ("fit_seconds", "predict_seconds")


class Journal:
    """Finished candidates in plain arrays, one folder each; forgotten when their training ends well."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def recall(self, candidate: str) -> OutOfFold | None:
        """What the candidate achieved before the interruption; None if it had not finished."""
        path = self.folder / candidate
        if not path.is_dir():
            return None
        facts = json.loads((path / "facts.json").read_bytes())
        models = tuple(_read_model(path, number, form) for number, form in enumerate(facts.pop("models")))
        return OutOfFold(from_bytes((path / "margin.npz").read_bytes())["margin"], models=models, **facts)

    def keep(self, candidate: str, result: OutOfFold) -> None:
        """Write a finished candidate, whole or not at all."""
        self.folder.mkdir(parents=True, exist_ok=True)
        with TemporaryDirectory(prefix=".draft-", dir=self.folder) as draft:
            path = Path(draft) / candidate
            path.mkdir()
            facts: dict[str, Any] = {name: getattr(result, name) for name in _FACTS}
            facts["models"] = [
                {"encoding": encoding.to_dict(), "model": form_of(model)} for encoding, model in result.models
            ]
            (path / "facts.json").write_text(json.dumps(facts))
            (path / "margin.npz").write_bytes(to_bytes({"margin": result.margin}))
            for number, (_, model) in enumerate(result.models):
                (path / f"{number}.npz").write_bytes(to_bytes(model.to_arrays()))
            with suppress(OSError):  # another training of the same data was first: what it found is the same
                path.rename(self.folder / candidate)

    def trials(self, candidate: str) -> Path:
        """The file in which a search keeps the trials of a family."""
        return self.folder / "trials" / f"{candidate}.log"

    def forget(self) -> None:
        """Remove everything."""
        rmtree(self.folder, ignore_errors=True)


def _read_model(path: Path, number: int, form: dict[str, Any]) -> tuple[Encoding, Model]:
    model = build(form["model"], from_bytes((path / f"{number}.npz").read_bytes()))
    return Encoding.from_dict(form["encoding"]), model


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
