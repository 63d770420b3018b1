"""Metrics: every family that a service tells Prometheus, with type, labels and help."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

from prometheus_client import CollectorRegistry

from documentation.reference.writing import code, head, table
from documentation.reference.writing import page as whole
from riskloop.keep.measures import Measured
from riskloop.serve.metrics import Metrics
from riskloop.watch.alerts import MEASURES


class _Nobody:
    """A service without a champion, a writer without work."""

    arms = refused = challenger_refused = away = None
    depth = lost = 0


def page() -> str:
    """The reference of metrics."""
    return whole(
        head(
            "Metrics",
            "`GET /metrics` (role viewer), in Prometheus' text format; of several workers, added up. Counters end in `_total` "
            "there, histograms in `_bucket`, `_sum` and `_count`. Dashboards and rules: [deploying](../deploying.md).",
        ),
        table(
            ("family", "type", "labels", "is"),
            [(code(name), kind, ", ".join(map(code, labels)), text) for name, kind, labels, text in families()],
        ),
        "With one worker, `process_*` of the Prometheus client too.",
        "## Measures",
        "Values of the label `measure`, which are also what rules of [alerts](../alerts.md) are about; `subject` is the newest "
        "batch, the ledger, or the service.",
        table(("measure",), [(code(name),) for name in sorted(MEASURES)]),
    )


def families() -> Iterator[tuple[str, str, tuple[str, ...], str]]:
    """Name, type, labels and help of every family, in the order in which they are told."""
    metrics: Any = Metrics(_Nobody(), _Nobody())  # type: ignore[arg-type]
    metrics.measured([Measured("roc_auc", "ledger", 0.0, 0.0, 0.0, datetime(2026, 1, 1, tzinfo=UTC))])
    registry: CollectorRegistry = metrics._registry
    for collector in registry._collector_to_names:
        if type(collector).__module__.startswith("prometheus_client.metrics"):
            shown: Any = collector
            yield shown._name, shown._type, tuple(shown._labelnames), shown._documentation
    for family in metrics._measured.collect():
        yield family.name, family.type, ("measure", "subject"), family.documentation
