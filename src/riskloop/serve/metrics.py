"""Prometheus metrics of one process, in a registry of its own."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from prometheus_client import CollectorRegistry, Counter, Histogram, ProcessCollector, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from riskloop.keep.ledger import Prediction
from riskloop.keep.writer import GroupCommitWriter
from riskloop.serve.champion import Champion
from riskloop.serve.rollout import Shadow

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"
_SECONDS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)
_TENTHS = tuple(tenth / 10 for tenth in range(1, 11))


class Metrics:
    """What is counted as requests pass; what can be asked for is read when Prometheus asks."""

    def __init__(self, champion: Champion, writer: GroupCommitWriter) -> None:
        self._registry = CollectorRegistry()
        self._requests = Counter(
            "riskloop_requests", "Requests answered.", ["route", "method", "status"], registry=self._registry
        )
        self._seconds = Histogram(
            "riskloop_request_seconds", "Time to answer.", ["route"], buckets=_SECONDS, registry=self._registry
        )
        self._predictions = Counter(
            "riskloop_predictions", "Predictions kept.", ["version", "arm", "decision"], registry=self._registry
        )
        self._probability = Histogram(
            "riskloop_probability", "Predicted probability.", ["version"], buckets=_TENTHS, registry=self._registry
        )
        self._state = _State(champion, writer)
        self._registry.register(self._state)
        ProcessCollector(registry=self._registry)

    def watch(self, shadow: Shadow) -> None:
        """Also tell what a shadow had no time for."""
        self._state.shadow = shadow

    def request(self, route: str, method: str, status: int, seconds: float) -> None:
        """Count one answer."""
        self._requests.labels(route, method, str(status)).inc()
        self._seconds.labels(route).observe(seconds)

    def predictions(self, kept: Iterable[Prediction]) -> None:
        """Count predictions once they are in the ledger."""
        for prediction in kept:
            version = str(prediction.version)
            self._predictions.labels(version, prediction.arm, prediction.decision).inc()
            self._probability.labels(version).observe(prediction.probability)

    def exposition(self) -> bytes:
        """The metrics in Prometheus' text format."""
        return generate_latest(self._registry)


class _State(Collector):
    def __init__(self, champion: Champion, writer: GroupCommitWriter) -> None:
        self.shadow: Shadow | None = None
        self._champion = champion
        self._writer = writer

    def collect(self) -> Iterator[Metric]:
        champion, arms = self._champion, self._champion.arms
        yield _gauge("riskloop_ledger_waiting", "Predictions that wait to be written.", self._writer.depth)
        yield _gauge("riskloop_ready", "1 with a champion.", arms is not None)
        yield _gauge(
            "riskloop_bundle_refused", "1 if the version that should lead was refused.", bool(champion.refused)
        )
        yield _gauge(
            "riskloop_challenger_refused",
            "1 if the version that should challenge was refused.",
            bool(champion.challenger_refused),
        )
        yield _gauge("riskloop_promotions_away", "1 if the promotion log cannot be read.", bool(champion.away))
        lost = CounterMetricFamily("riskloop_ledger_lost", "Predictions that could not be written.")
        lost.add_metric([], self._writer.lost)
        yield lost
        dropped = CounterMetricFamily("riskloop_shadow_dropped", "Customers a shadow had no time for.")
        dropped.add_metric([], self.shadow.dropped if self.shadow else 0)
        yield dropped
        model = GaugeMetricFamily("riskloop_model_info", "Who answers.", labels=["alias", "name", "version", "digest"])
        for live in (arms.champion, arms.challenger) if arms else ():
            if live:
                model.add_metric([live.alias, live.record.name, str(live.record.version), live.bundle.digest], 1)
        yield model


def _gauge(name: str, text: str, value: float) -> Metric:
    return GaugeMetricFamily(name, text, value=float(value))
