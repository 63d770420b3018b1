"""``/alerts``: what is beyond its threshold, and who looks after it."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from datetime import datetime

from starlette.requests import Request
from starlette.responses import Response

from riskloop.errors import NotFound
from riskloop.keep.alerts import Alert, Alerts
from riskloop.keep.instant import utc_text
from riskloop.serve.answers import AlertAnswer, AlertsAnswer
from riskloop.serve.config import ServeConfig
from riskloop.serve.predictions import json_response
from riskloop.serve.saying import LARGEST_VERSION, said_in

_RESOLVED = 50
_NOT_TOLD = "report"  # a path on the machine that wrote it


class AlertsOverHttp:
    """The endpoints of alerts. They are evaluated elsewhere: by `riskloop monitor` and `riskloop alerts check`."""

    def __init__(self, config: ServeConfig, alerts: Alerts, *, clock: Callable[[], datetime]) -> None:
        self._config = config
        self._alerts = alerts
        self._clock = clock

    async def list(self, _request: Request) -> Response:
        """``GET /alerts``: the open ones, the gravest first, then the last resolved."""
        found = await asyncio.to_thread(lambda: self._alerts.list(resolved=_RESOLVED))
        return json_response(AlertsAnswer([_answer(one) for one in found]))

    async def acknowledge(self, request: Request) -> Response:
        """``POST /alerts/{id}/acknowledge``: somebody looks after it."""
        said = await said_in(request, self._config.max_body_bytes, ("actor", "reason"))
        number = int(request.path_params["alert_id"])
        return json_response(_answer(await asyncio.to_thread(self._acknowledge, number, said["actor"], said["reason"])))

    def _acknowledge(self, number: int, actor: str, reason: str) -> Alert:
        if number > LARGEST_VERSION:
            raise NotFound(f"There is no alert {number}.", next_step="see GET /alerts")
        return self._alerts.acknowledge(number, self._clock(), actor=actor, reason=reason)


def _answer(alert: Alert) -> AlertAnswer:
    return AlertAnswer(
        id=alert.alert_id,
        state="resolved" if alert.resolved_at else "acknowledged" if alert.acknowledged_at else "open",
        severity=alert.severity,
        rule=alert.rule,
        subject=alert.subject,
        measure=alert.measure,
        comparison=alert.comparison,
        threshold=alert.threshold,
        value=alert.value,
        low=alert.low,
        high=alert.high,
        since=utc_text(alert.since),
        last_found=utc_text(alert.last_at),
        acknowledged_by=alert.acknowledged_by,
        resolved_at=utc_text(alert.resolved_at) if alert.resolved_at else None,
        context={key: value for key, value in alert.context.items() if key != _NOT_TOLD},
    )
