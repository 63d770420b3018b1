"""Outcomes: what became of a customer, told late, twice, out of order, and sometimes wrong at first."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from datetime import datetime

from sqlalchemy import Connection, Engine, func, insert, select

from riskloop.keep import tables
from riskloop.keep.database import serialised
from riskloop.keep.instant import utc_text

_CHUNK = 1_000  # ids per query, under the parameter limit of every database


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of a customer at a moment.

    Attributes
    ----------
    entity_id : str
        The customer.
    outcome : bool
        True for the positive class: the risk came true.
    observed_at, received_at : datetime
        When it was so, and when we were told; aware.
    prediction_id : str or None
        The prediction it judges, where the sender knows.
    outcome_id : str or None
        The sender's id for this statement. Without one it is made from the content, so that sending the same file
        again is harmless, even after a correction. To return to an outcome that was corrected, give a new id.

    Notes
    -----
    An outcome is a *duplicate* if its id is stored, or if it repeats what stands for the same customer, prediction
    and moment. If it contradicts what stands it is a *correction*: both are kept, the last one received stands.
    """

    entity_id: str
    outcome: bool
    observed_at: datetime
    received_at: datetime
    prediction_id: str | None = None
    outcome_id: str | None = None


@dataclass(frozen=True, slots=True)
class OutcomeReceipt:
    """What became of the outcomes sent: ``accepted + duplicates + corrections`` is their number.

    ``unknown_customers`` counts the customers among them whom no prediction in the ledger is about, and ``too_early``
    the outcomes that were so before their customer was first scored, which judge no prediction; both are kept all the
    same.
    """

    accepted: int = 0
    duplicates: int = 0
    corrections: int = 0
    unknown_customers: int = 0
    too_early: int = 0


Subject = tuple[str, str | None, str]


def record(engine: Engine, outcomes: Sequence[Outcome]) -> OutcomeReceipt:
    """Write outcomes in one serialised transaction: two senders of the same outcome cannot both be first."""
    duplicates = corrections = too_early = 0
    unknown: set[str] = set()
    with serialised(engine) as connection:
        for start in range(0, len(outcomes), _CHUNK):
            chunk = [_with_id(outcome) for outcome in outcomes[start : start + _CHUNK]]
            new, corrected = _news(connection, chunk)
            if new:
                connection.execute(insert(tables.outcomes), [asdict(outcome) for outcome in new])
            duplicates += len(chunk) - len(new)
            corrections += corrected
            since = _first_scored(connection, chunk)
            unknown |= {one.entity_id for one in chunk} - since.keys()
            too_early += sum(one.observed_at < since.get(one.entity_id, one.observed_at) for one in chunk)
    return OutcomeReceipt(
        accepted=len(outcomes) - duplicates - corrections,
        duplicates=duplicates,
        corrections=corrections,
        unknown_customers=len(unknown),
        too_early=too_early,
    )


def _news(connection: Connection, chunk: Sequence[Outcome]) -> tuple[list[Outcome], int]:
    """Those of ``chunk`` that are no duplicates, and how many of them are corrections."""
    ids, standing = _stored(connection, chunk)
    new: list[Outcome] = []
    corrections = 0
    for outcome in chunk:
        subject = _subject(outcome)
        if outcome.outcome_id in ids or standing.get(subject) == outcome.outcome:
            continue
        corrections += subject in standing
        ids.add(outcome.outcome_id)
        standing[subject] = outcome.outcome
        new.append(outcome)
    return new, corrections


def _stored(connection: Connection, chunk: Sequence[Outcome]) -> tuple[set[str | None], dict[Subject, bool]]:
    """The ids of ``chunk`` that are stored, and what stands for its customers."""
    table = tables.outcomes
    known = select(table.c.outcome_id).where(table.c.outcome_id.in_({o.outcome_id for o in chunk}))
    said = select(table).where(table.c.entity_id.in_({o.entity_id for o in chunk})).order_by(table.c.seq)
    standing = {
        (row.entity_id, row.prediction_id, utc_text(row.observed_at)): bool(row.outcome)
        for row in connection.execute(said)
    }
    return set(connection.scalars(known)), standing


def _first_scored(connection: Connection, chunk: Sequence[Outcome]) -> dict[str, datetime]:
    """When those of the customers who ever were scored first were."""
    customer, at = tables.predictions.c.entity_id, tables.predictions.c.at
    first = select(customer, func.min(at)).where(customer.in_({one.entity_id for one in chunk})).group_by(customer)
    return {str(row[0]): row[1] for row in connection.execute(first)}


def _subject(outcome: Outcome) -> Subject:
    return outcome.entity_id, outcome.prediction_id, utc_text(outcome.observed_at)


def _with_id(outcome: Outcome) -> Outcome:
    if outcome.outcome_id is not None:
        return outcome
    content = json.dumps([*_subject(outcome), bool(outcome.outcome)])
    return replace(outcome, outcome_id=hashlib.sha256(content.encode()).hexdigest()[:32])
