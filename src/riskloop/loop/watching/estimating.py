"""Estimates of a cohort: plain, and with the calibration moved to where its customers are."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from riskloop.intervals import finite
from riskloop.learn.density import density_ratio
from riskloop.loop.project import Project
from riskloop.loop.watching.cohorts import Cohort
from riskloop.loop.watching.reference import Reference, reference_rows
from riskloop.watch.expected import expect
from riskloop.watch.performance import Estimated
from riskloop.watch.recalibration import Weights, recalibrate

SEED = 42


@dataclass(frozen=True)
class Moved:
    """What became of the weighted estimate.

    Attributes
    ----------
    estimated : Estimated or None
        None where reference rows cannot be had, or too few are like the current ones: then the plain one stands.
    why : str
        ``moved``, ``alike`` (nothing tells current rows from reference rows: all count the same), ``few_alike``,
        ``not_read`` (no row fits the contract), ``no_record``, ``no_table``, ``other_table`` or ``not_asked``.
    rows, positives : float or None
        Effective reference rows.
    overlap : float or None
        Share of the current rows that have reference rows like them.
    roc_auc : float or None
        Of the classifier that tells current rows from reference rows.
    slope, intercept : float or None
        Of the line that moves the log-odds.
    """

    estimated: Estimated | None
    why: str
    rows: float | None = None
    positives: float | None = None
    overlap: float | None = None
    roc_auc: float | None = None
    slope: float | None = None
    intercept: float | None = None

    def to_dict(self) -> dict[str, Any]:
        """Plain JSON values."""
        numbers = {
            name: None if value is None else finite(value)
            for name, value in (
                *(("effective_rows", self.rows), ("effective_positives", self.positives), ("overlap", self.overlap)),
                *(("roc_auc_old_and_new", self.roc_auc), ("slope", self.slope), ("intercept", self.intercept)),
            )
        }
        return {"why": self.why, **numbers}


@dataclass
class Estimator:
    """Estimates cohorts; the reference rows of a version are looked for once.

    Parameters
    ----------
    project : Project
    find : callable, optional
        Finds the reference rows of a version.
    """

    project: Project
    find: Callable[..., Reference | str] = reference_rows
    _found: dict[int, Reference | str] = field(default_factory=dict)

    def plain(self, cohort: Cohort) -> Estimated:
        """From the probabilities as they were answered."""
        return expect(cohort.tally)

    def weighted(self, cohort: Cohort) -> Moved:
        """The estimate under the calibration of those reference rows that are like the cohort's."""
        reference = self._reference(cohort)
        if isinstance(reference, str):
            return Moved(None, reference)
        columns = cohort.features()
        if not len(next(iter(columns.values()), ())):
            return Moved(None, "not_read")
        contract = cohort.bundle.contract
        categorical = frozenset(one.name for one in contract.columns if one.type == "category")
        shared = {name: columns[name] for name in reference.columns}
        ratio = density_ratio(reference.columns, shared, categorical, seed=SEED)
        weights = Weights.of(ratio.weights, reference.outcome, ratio.overlap)
        told: Mapping[str, float] = {
            "rows": weights.rows,
            "positives": weights.positives,
            "overlap": ratio.overlap,
            "roc_auc": ratio.roc_auc,
        }
        moved = recalibrate(reference.probability, reference.outcome, weights, seed=SEED)
        if moved is None:
            return Moved(None, "few_alike", **told)
        why = "moved" if ratio.shifted else "alike"
        return Moved(expect(cohort.tally, moved), why, **told, slope=moved.slope, intercept=moved.intercept)

    def _reference(self, cohort: Cohort) -> Reference | str:
        if not self.project.settings.performance.weighted:
            return "not_asked"
        if cohort.version not in self._found:
            record = self.project.versions.get(cohort.version)
            self._found[cohort.version] = self.find(self.project, record, cohort.bundle)
        return self._found[cohort.version]
