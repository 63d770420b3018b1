"""What a service that runs says of itself: its counts in Prometheus' text format, all workers added up by itself."""

from __future__ import annotations

import urllib.error
import urllib.request
from collections.abc import Mapping
from dataclasses import dataclass
from http.client import HTTPException

from riskloop.errors import Unavailable

_TIMEOUT_SECONDS = 3
_LARGEST = 8 * 1024 * 1024
_NOT_ASKED = frozenset({"/health", "/ready", "/metrics", "/ping", "/v2/health/live", "/v2/health/ready"})


@dataclass(frozen=True, slots=True)
class Counts:
    """What a service has counted since it started.

    Attributes
    ----------
    totals : mapping of str to float
        ``requests``, ``errors`` (by the service's own fault, 5xx) and ``lost`` predictions.
    names : frozenset of str
        Of the models that answer.
    """

    totals: Mapping[str, float]
    names: frozenset[str]


def counts_of(address: str, key: str | None = None) -> Counts:
    """Ask a service for its counts; requests of machines that look after it are left out.

    Raises
    ------
    Unavailable
        If it does not answer, or not to this key.
    """
    from prometheus_client.parser import text_string_to_metric_families

    names = set()
    found = {"requests": 0.0, "errors": 0.0, "lost": 0.0}
    for family in text_string_to_metric_families(_exposition(address, key)):
        for sample in family.samples:
            if sample.name == "riskloop_ledger_lost_total":
                found["lost"] += sample.value
            if sample.name == "riskloop_requests_total" and sample.labels.get("route") not in _NOT_ASKED:
                found["requests"] += sample.value
                found["errors"] += sample.value * sample.labels.get("status", "").startswith("5")
            if sample.name == "riskloop_model_info" and sample.value:
                names.add(sample.labels.get("name", ""))
    return Counts(found, frozenset(names))


def _exposition(address: str, key: str | None) -> str:
    headers = {"Accept": "text/plain"} | ({"Authorization": f"Bearer {key}"} if key else {})
    request = urllib.request.Request(f"{address.rstrip('/')}/metrics", headers=headers)  # noqa: S310 - http, checked
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}), _NoDetour())
    try:
        with opener.open(request, timeout=_TIMEOUT_SECONDS) as answer:
            return str(answer.read(_LARGEST).decode())
    except urllib.error.HTTPError as error:
        raise _away(address, f"it answered {error.code}") from error
    except (OSError, HTTPException, ValueError) as error:
        reason = str(getattr(error, "reason", None) or error) or type(error).__name__
        raise _away(address, reason) from error


def _away(address: str, why: str) -> Unavailable:
    return Unavailable(
        f"The service's metrics cannot be read: {why}.",
        where=address,
        next_step="start it with `riskloop serve`, or set alerts.service, and alerts.key to a viewer's key",
    )


class _NoDetour(urllib.request.HTTPRedirectHandler):
    """The key goes to nobody else."""

    def redirect_request(self, *_args: object, **_more: object) -> None:
        return None
