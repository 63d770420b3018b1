"""The MLflow run of a training: a child run per candidate, closed as failed when the training does not end well."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from riskloop.data.dataset import Dataset
from riskloop.errors import Unavailable
from riskloop.keep.registry.registry import Registry
from riskloop.learn.choice import Contender
from riskloop.learn.plan import Plan, Watcher
from riskloop.learn.tuning.search import Trial


class Run:
    """A `Watcher` that tells MLflow what has finished, and passes everything on to the caller's watcher."""

    def __init__(self, registry: Registry, run_id: str, seed: int, watcher: Watcher | None) -> None:
        self.id = run_id
        self._registry = registry
        self._seed = seed
        self._watcher = watcher
        self.skipped: list[str] = []

    def fold(self, candidate: str, done: int, total: int) -> None:
        """Pass it on."""
        if self._watcher:
            self._watcher.fold(candidate, done, total)

    def trial(self, candidate: str, trial: Trial, lowest: float) -> None:
        """Pass it on."""
        if self._watcher:
            self._watcher.trial(candidate, trial, lowest)

    def left_out(self, candidate: str, reason: str) -> None:
        """Remember why, and pass it on."""
        self.skipped.append(f"{candidate} ({reason})")
        if self._watcher:
            self._watcher.left_out(candidate, reason)

    def finished(self, contender: Contender) -> None:
        """Log the candidate as a run of MLflow, and pass it on."""
        parameters = {
            "family": contender.name,
            "calibration": contender.calibration.calibration.kind,
            "threshold": contender.policy.threshold,
            "seed": self._seed,
        }
        if contender.candidate is not None:
            parameters |= contender.candidate.parameters
        if contender.recipe is not None:
            parameters["recipe"] = contender.recipe.describe()
        child = self._registry.start_run(contender.name, parameters, self.id)
        self._registry.finish_run(child, contender_metrics(contender))
        if self._watcher:
            self._watcher.finished(contender)

    def finish(self, metrics: dict[str, float | None], parameters: dict[str, Any], files: Path) -> None:
        """Close the run with the metrics of the chosen model and a folder of plots and tables."""
        self._registry.finish_run(self.id, metrics, parameters, files)


@contextmanager
def training_run(registry: Registry, dataset: Dataset, plan: Plan, watcher: Watcher | None) -> Iterator[Run]:
    """Open a run; whatever ends the block early closes it as failed.

    Raises
    ------
    Unavailable
        If MLflow is away: better before the work than after it.
    """
    run = Run(registry, registry.start_run("training", _parameters(dataset, plan)), plan.seed, watcher)
    try:
        yield run
    except BaseException:
        with suppress(Unavailable):  # the error that is on its way matters more
            registry.finish_run(run.id, {}, failed=True)
        raise


def _parameters(dataset: Dataset, plan: Plan) -> dict[str, Any]:
    return {
        "rows": len(dataset),
        "features": len(dataset.contract.features),
        "data_fingerprint": dataset.fingerprint,
        "candidates": ", ".join(candidate.name for candidate in plan.candidates),
        "split": plan.split,
        "test_share": plan.test_share,
        "folds": plan.folds,
        "seed": plan.seed,
        "policy": plan.policy,
        **{f"cost_{name}": value for name, value in plan.costs.to_dict().items()},
    }


def contender_metrics(contender: Contender) -> dict[str, float | None]:
    """Out-of-fold metrics with the ends of their intervals, and times."""
    metrics: dict[str, float | None] = {
        "training_seconds": contender.out_of_fold.fit_seconds,
        "prediction_ms_per_1000": contender.out_of_fold.predict_seconds * 1000,
    }
    for name, interval in contender.evaluation.metrics.items():
        described = interval.to_dict()
        metrics |= {name: described["value"], f"{name}_low": described["low"], f"{name}_high": described["high"]}
    return metrics
