"""``/health``, ``/ready``, ``/metrics`` and ``/monitoring``: how the service is."""

from __future__ import annotations

import asyncio
import contextlib
import time

from sqlalchemy import Engine, func, select
from starlette.requests import Request
from starlette.responses import Response

from riskloop.errors import Unavailable
from riskloop.keep.alerts import open_by_severity
from riskloop.keep.database import reading
from riskloop.keep.instant import utc_text
from riskloop.keep.measures import Measures
from riskloop.keep.tables import outcomes, predictions
from riskloop.serve.answers import DecisionCount, Health, MonitoringAnswer, Ready, Refusal
from riskloop.serve.champion import Champion
from riskloop.serve.journal import Journal
from riskloop.serve.metrics import CONTENT_TYPE, Metrics
from riskloop.serve.predictions import json_response

_STORE_SECONDS = 2.0
_STORE_READ_EVERY = 1.0


class Monitoring:
    """The endpoints that machines watch."""

    def __init__(
        self, engine: Engine, champion: Champion, journal: Journal, metrics: Metrics, *, spools: bool = False
    ) -> None:
        self._spools = spools
        self._engine = engine
        self._champion = champion
        self._journal = journal
        self._metrics = metrics
        self._measures = Measures(engine)
        self._read_at = -_STORE_READ_EVERY

    async def health(self, _request: Request) -> Response:
        """``GET /health``: the process answers."""
        return json_response(Health())

    async def ready(self, _request: Request) -> Response:
        """``GET /ready``: customers can be scored, and what is answered can be kept."""
        live = self._champion.require().champion
        if self._champion.away and not self._spools:
            raise self._champion.away
        await self._journal.check()
        refused = self._champion.refused
        return json_response(Ready(live.ref, Refusal(refused.message, refused.where) if refused else None))

    async def metrics(self, _request: Request) -> Response:
        """``GET /metrics``: Prometheus' text format; also while the database is away."""
        if time.monotonic() - self._read_at > _STORE_READ_EVERY:
            self._read_at = time.monotonic()
            with contextlib.suppress(Unavailable, TimeoutError):
                await asyncio.wait_for(asyncio.to_thread(self._read), _STORE_SECONDS)
        return Response(self._metrics.exposition(), media_type=CONTENT_TYPE)

    def _read(self) -> None:
        """What others have found and put into the database: alerts, and what they were judged by."""
        self._metrics.alerts(open_by_severity(self._engine))
        self._metrics.measured(self._measures.all())

    async def counts(self, _request: Request) -> Response:
        """``GET /monitoring``: what the ledger holds so far."""
        return json_response(await asyncio.to_thread(ledger_counts, self._engine))


def ledger_counts(engine: Engine) -> MonitoringAnswer:
    """How many predictions, decisions and outcomes the ledger holds."""
    p, o = predictions.c, outcomes.c
    grouped = (
        select(p.version, p.arm, p.decision, func.count(), func.avg(p.probability))
        .group_by(p.version, p.arm, p.decision)
        .order_by(p.version, p.arm, p.decision)
    )
    with reading(engine) as connection:
        decisions = [DecisionCount(*row) for row in connection.execute(grouped)]
        judged: dict[bool, int] = {
            row[0]: row[1] for row in connection.execute(select(o.outcome, func.count()).group_by(o.outcome))
        }
        first, last = connection.execute(select(func.min(p.at), func.max(p.at))).one()
    return MonitoringAnswer(
        predictions=sum(count.predictions for count in decisions),
        outcomes=sum(judged.values()),
        positive_outcomes=judged.get(True, 0),
        first_prediction=utc_text(first) if first else None,
        last_prediction=utc_text(last) if last else None,
        decisions=decisions,
    )
