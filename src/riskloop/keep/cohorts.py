"""Cohorts: predictions in the order of their time, each with what is known of its outcome once that is mature."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from operator import attrgetter
from typing import Any, Generic, Literal, NamedTuple, TypeVar

from sqlalchemy import Connection, Engine, and_, or_, select

from riskloop.keep.database import reading
from riskloop.keep.tables import outcomes, predictions
from riskloop.watch.maturity import Maturity

Moment = TypeVar("Moment", datetime, str)
Told = Literal["told", "silent", "unknown", "late"]

_PAGE = 2_000
_CHUNK = 400  # ids per query, twice: under the parameter limit of every database
_P, _O = predictions.c, outcomes.c
_moment = attrgetter("observed_at")


@dataclass(frozen=True, slots=True)
class Judged:
    """A prediction and its outcome.

    Attributes
    ----------
    prediction_id, entity_id, at, version, arm, probability, decision, threshold, risk_band
        As in `riskloop.keep.ledger.Prediction`.
    features : str
        JSON.
    outcome : bool or None
        None where it is not known.
    told : {"told", "silent", "unknown", "late"}
        Whether somebody told the outcome; or silence stands for a negative; or nobody knows; or a positive without a
        date of its own was told after the outcome was final, so that nobody knows whether it came in time.
    """

    prediction_id: str
    entity_id: str | None
    at: datetime
    version: int
    arm: str
    probability: float
    decision: str
    threshold: float | None
    risk_band: str | None
    features: str
    outcome: bool | None
    told: Told


class Statement(NamedTuple, Generic[Moment]):
    """What was said of a customer: whether the risk came true, at which moment, and when we were told.

    Moments are times, or the texts that the database holds, which sort by time and cost nothing to read.
    """

    outcome: bool
    observed_at: Moment
    received_at: Moment


class Cohorts:
    """Reads the ledger by time. Safe to share between threads and processes.

    Parameters
    ----------
    engine : Engine
        From :func:`riskloop.keep.database.open_database`, migrated.

    Notes
    -----
    Every method raises Unavailable when the database is away.
    """

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def pages(
        self,
        maturity: Maturity,
        now: datetime,
        *,
        since: datetime | None = None,
        until: datetime | None = None,
        version: int | None = None,
        arm: str | None = None,
    ) -> Iterator[list[Judged]]:
        """Predictions in the order of their time, some thousand at once; shadows are left out unless named.

        Parameters
        ----------
        maturity : Maturity
        now : datetime
        since, until : datetime, optional
            Predictions made at or after ``since`` and before ``until``.
        version, arm : optional
            Those of one version, or of one arm.
        """
        wanted = [_P.arm == arm if arm else _P.arm != "shadow"]
        wanted += [_P.version == version] if version is not None else []
        wanted += [_P.at < until] if until else []
        query = select(*_READ).where(*wanted).order_by(_P.at, _P.seq).limit(_PAGE)
        after = _P.at >= since if since else None
        while True:
            with reading(self._engine) as connection:
                rows = connection.execute(query if after is None else query.where(after)).all()
                if not rows:
                    return
                said = _said(connection, rows)
            yield [_judged(row, said, maturity, now) for row in rows]
            last = rows[-1]
            after = or_(_P.at > last.at, and_(_P.at == last.at, _P.seq > last.seq))


def judge(
    predicted: datetime, said: Sequence[Statement[datetime]], maturity: Maturity, now: datetime
) -> tuple[bool | None, Told]:
    """What became of a prediction, from what was said of the customer.

    Parameters
    ----------
    said : sequence of Statement
        Of moments at or after the prediction, in the order received.
    """
    due = None if maturity.after is None else predicted + maturity.after
    stands, late = standing(said, due)
    if stands is not None:
        return stands.outcome, "told"
    if late:
        return None, "late"
    if maturity.unreported == "negative" and maturity.reached(predicted, now):
        return False, "silent"
    return None, "unknown"


def standing(said: Sequence[Statement[Moment]], due: Moment | None) -> tuple[Statement[Moment] | None, bool]:
    """The statement that says what became of a prediction; and whether a positive came too late to be placed.

    Parameters
    ----------
    said : sequence of Statement
        Of moments at or after the prediction, in the order received: of several about one moment the last one stands.
    due : moment or None
        Until when a positive counts; None where outcomes need no time.

    Notes
    -----
    Where outcomes need no time, the first one observed counts. Else a positive counts if it was observed in time, and
    a negative stands until one is; a positive observed later says that there was none in time. Of statements without a
    date of their own the last one told in time stands, as if it corrected those before.
    """
    if len(said) == 1:  # as it mostly is
        (one,) = said
        placed = due is None or not one.outcome or one.observed_at <= due
        return (one, False) if placed else (None, one.observed_at == one.received_at)
    last: dict[Moment, Statement[Moment]] = {one.observed_at: one for one in said}
    undated = [one for one in last.values() if one.observed_at == one.received_at]
    dated = [one for one in last.values() if one.observed_at != one.received_at]
    in_time = [one for one in undated if due is None or one.observed_at <= due]
    stand = sorted(dated + (in_time[-1:] or undated), key=_moment)
    if due is None:
        return (stand[0] if stand else None), False
    came = next((one for one in stand if one.outcome and one.observed_at <= due), None)
    return came or next((one for one in stand if not one.outcome), None), bool(undated)


_READ = (
    *(_P.seq, _P.prediction_id, _P.entity_id, _P.at, _P.version, _P.arm),
    *(_P.probability, _P.decision, _P.threshold, _P.risk_band, _P.features),
)


class _Said(NamedTuple):
    of_prediction: Mapping[str, bool]
    of_customer: Mapping[str, Sequence[Statement[datetime]]]


def _said(connection: Connection, rows: Sequence[Any]) -> _Said:
    """Every statement about a page of predictions, in the order received."""
    named: dict[str, bool] = {}
    about: dict[str, list[Statement[datetime]]] = {}
    told: dict[int, Any] = {}
    for start in range(0, len(rows), _CHUNK):
        chunk = rows[start : start + _CHUNK]
        customers = {row.entity_id for row in chunk if row.entity_id is not None}
        meant = or_(
            _O.prediction_id.in_([row.prediction_id for row in chunk]),
            and_(_O.prediction_id.is_(None), _O.entity_id.in_(customers)),
        )
        told |= {one.seq: one for one in connection.execute(select(outcomes).where(meant))}
    for seq in sorted(told):
        one = told[seq]
        if one.prediction_id is not None:
            named[one.prediction_id] = bool(one.outcome)
        else:
            about.setdefault(one.entity_id, []).append(Statement(bool(one.outcome), one.observed_at, one.received_at))
    return _Said(named, about)


def _judged(row: Any, said: _Said, maturity: Maturity, now: datetime) -> Judged:
    outcome: bool | None
    told: Told
    if row.prediction_id in said.of_prediction:
        outcome, told = said.of_prediction[row.prediction_id], "told"
    else:
        about = [one for one in said.of_customer.get(row.entity_id, ()) if one.observed_at >= row.at]
        outcome, told = judge(row.at, about, maturity, now)
    return Judged(
        *(row.prediction_id, row.entity_id, row.at, row.version, row.arm, row.probability, row.decision),
        *(row.threshold, row.risk_band, row.features, outcome, told),
    )
