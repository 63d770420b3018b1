"""`riskloop history`, `compare`, `audit verify`: what led when, what was tried, and whether the record is whole."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from datetime import date
from typing import Any

from riskloop.keep.chain import Head, Promotion, ReleaseState, VerifyResult
from riskloop.keep.ledger import Prediction
from riskloop.keep.versions import Version
from riskloop.loop.project import Project


@dataclass(frozen=True)
class History:
    """The promotion log, the versions and who leads."""

    state: ReleaseState
    versions: tuple[Version, ...]
    events: tuple[Promotion, ...]

    def alias(self, version: int) -> str | None:
        """``champion``, ``challenger``, ``previous`` or None."""
        for name in ("champion", "challenger", "previous"):
            if getattr(self.state, name) == version:
                return name
        return None


@dataclass(frozen=True)
class Decided:
    """One decision about a customer, and the version that made it."""

    prediction: Prediction
    version: Version


def history(project: Project) -> History:
    """Everything that led or asked to lead.

    Raises
    ------
    Unavailable
        If the database is away.
    """
    return History(project.promotions.state(), project.versions.list(), project.promotions.events())


def decisions_about(project: Project, customer: str, on: date | None = None) -> tuple[Decided, ...]:
    """Which model decided about a customer, on a day or ever; newest first."""
    found = project.ledger.predictions(customer, on)
    return tuple(Decided(prediction, project.versions.get(prediction.version)) for prediction in reversed(found))


@dataclass(frozen=True)
class Compared:
    """One candidate of one training, judged out of fold."""

    version: int
    alias: str | None
    chosen: bool
    family: str
    calibration: str
    training_seconds: float
    prediction_ms_per_1000: float
    metrics: dict[str, dict[str, float | None]]

    def to_dict(self) -> dict[str, Any]:
        """Plain JSON values."""
        return asdict(self)


def compare(project: Project, sort_by: str = "cost_per_thousand") -> list[Compared]:
    """Every candidate of every training, best first by a metric.

    Parameters
    ----------
    sort_by : str
        A metric by name, as in the model card.

    Raises
    ------
    Unavailable
        If the database is away.
    """
    past = history(project)
    rows = [
        Compared(
            version=version.version,
            alias=past.alias(version.version),
            chosen=contender["name"] == version.summary.get("family"),
            family=contender["name"],
            calibration=contender["calibration"],
            training_seconds=contender["training_seconds"],
            prediction_ms_per_1000=contender["prediction_ms_per_1000"],
            metrics=contender["metrics"],
        )
        for version in past.versions
        for contender in version.summary.get("contenders", [])
    ]
    return sorted(rows, key=lambda row: _merit(row, sort_by))


SMALLER_IS_BETTER = frozenset({"cost_per_thousand", "brier", "log_loss", "calibration_error"})


def _merit(row: Compared, metric: str) -> float:
    value = row.metrics.get(metric, {}).get("value")
    if value is None:
        return float("inf")
    return value if metric in SMALLER_IS_BETTER else -value


def verify_log(project: Project, expected: Head | None = None) -> VerifyResult:
    """Check the hash chain of the promotion log.

    Parameters
    ----------
    expected : Head, optional
        The head that was noted down elsewhere: a log that was rewritten as a whole, or cut, does not lead to it.

    Raises
    ------
    Unavailable
        If the database is away.
    """
    return project.promotions.verify(expected)
