"""Prometheus metrics of a service: of one process in a registry of its own, of several workers added up.

Workers find each other through the folder that PROMETHEUS_MULTIPROC_DIR names, set by their parent: the library then
keeps counters and histograms in files, and whoever is asked answers for all.
"""

from __future__ import annotations

import asyncio
import os
import threading
import time
from bisect import bisect_left
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Literal

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, ProcessCollector, generate_latest
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.multiprocess import MultiProcessCollector
from prometheus_client.registry import Collector

from riskloop.keep.ledger import Prediction
from riskloop.keep.measures import Measured
from riskloop.keep.writer import GroupCommitWriter
from riskloop.serve.champion import Champion
from riskloop.serve.rollout import Shadow

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"
_SECONDS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)
SHARED_FOLDER = "PROMETHEUS_MULTIPROC_DIR"
_KEEP_UP_SECONDS = 0.25
_Mode = Literal["livemax", "livemin", "livesum", "sum"]
_TENTHS = tuple(tenth / 10 for tenth in range(1, 11))


class Metrics:
    """What is counted as requests pass, and the state of the process, brought up to date a few times a second.

    Requests are counted in plain numbers, which are handed to the library together with the state, or, where there are
    several workers, once a turn of the event loop: to do so for each request would cost as much as its decision.
    """

    def __init__(self, champion: Champion, writer: GroupCommitWriter) -> None:
        own = self._registry = CollectorRegistry()
        self._requests = _Tally(
            Counter("riskloop_requests", "Requests answered.", ["route", "method", "status"], registry=own)
        )
        self._seconds = _Spread(
            Histogram("riskloop_request_seconds", "Time to answer.", ["route"], buckets=_SECONDS, registry=own),
            _SECONDS,
        )
        self._predictions = _Tally(
            Counter("riskloop_predictions", "Predictions kept.", ["version", "arm", "decision"], registry=own)
        )
        self._probability = _Spread(
            Histogram("riskloop_probability", "Predicted probability.", ["version"], buckets=_TENTHS, registry=own),
            _TENTHS,
        )
        self._alerts = Gauge(
            "riskloop_alerts_open",
            "Alerts that are open.",
            ["severity"],
            registry=own,
            multiprocess_mode="livemostrecent",  # all workers read the same store; who read it last knows best
        )
        self._state = _State(own, champion, writer)
        self._measured = _Latest()
        self._stored = CollectorRegistry()
        self._stored.register(self._measured)
        self._timer: asyncio.TimerHandle | None = None
        self._due = False
        self._turn = threading.Lock()
        self.shared = bool(os.environ.get(SHARED_FOLDER))
        if not self.shared:
            ProcessCollector(registry=own)

    def watch(self, shadow: Shadow) -> None:
        """Also tell what a shadow had no time for."""
        self._state.shadow = shadow

    def request(self, route: str, method: str, status: int, seconds: float) -> None:
        """Count one answer, on the event loop."""
        self._requests.add((route, method, status))
        self._seconds.add((route,), seconds)
        if self._timer is None:
            self._timer = asyncio.get_running_loop().call_later(_KEEP_UP_SECONDS, self.tell)
        if self.shared and not self._due:  # whichever worker is asked next must know
            self._due = True
            asyncio.get_running_loop().call_soon(self._hand_over)

    def predictions(self, kept: Iterable[Prediction]) -> None:
        """Count predictions once they are in the ledger, from any thread."""
        with self._turn:
            for prediction in kept:
                self._predictions.add((prediction.version, prediction.arm, prediction.decision))
                self._probability.add((prediction.version,), prediction.probability)

    def tell(self) -> None:
        """Hand over what was counted, and bring the state up to date."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        self._hand_over()
        self._state.tell()

    def _hand_over(self) -> None:
        self._due = False
        with self._turn:
            for counted in (self._requests, self._seconds, self._predictions, self._probability):
                counted.tell()

    def alerts(self, opened: Mapping[str, int]) -> None:
        """Tell how many alerts are open, by severity."""
        for severity, count in opened.items():
            self._alerts.labels(severity).set(count)

    def measured(self, found: Iterable[Measured]) -> None:
        """Tell what was measured last, of drift and of what came true."""
        self._measured.found = tuple(found)

    def exposition(self) -> bytes:
        """The metrics in Prometheus' text format, those of all workers where there are several."""
        self.tell()
        return generate_latest(self._counted()) + generate_latest(self._stored)

    def _counted(self) -> CollectorRegistry:
        if not self.shared:
            return self._registry
        everybody = CollectorRegistry()
        MultiProcessCollector(everybody)  # type: ignore[no-untyped-call]
        return everybody


class _Latest(Collector):
    """Measures from the database: every worker reads the same ones, so they are told as they are and never added up."""

    def __init__(self) -> None:
        self.found: tuple[Measured, ...] = ()

    def collect(self) -> Iterator[GaugeMetricFamily]:
        """One family for the value, for each end of its interval, and for when it was measured."""

        def family(name: str, text: str, values: Iterable[tuple[Measured, float | None]]) -> GaugeMetricFamily:
            made = GaugeMetricFamily(f"riskloop_{name}", text, labels=["measure", "subject"])
            for one, value in values:
                if value is not None:
                    made.add_metric([one.measure, one.subject], value)
            return made

        found = self.found
        yield family("measure", "What was measured last; see docs/alerts.md.", ((one, one.value) for one in found))
        yield family("measure_low", "Low end of its 95 % interval.", ((one, one.low) for one in found))
        yield family("measure_high", "High end of its 95 % interval.", ((one, one.high) for one in found))
        stamps = ((one, one.at.timestamp()) for one in found)
        yield family("measure_timestamp_seconds", "When it was measured: time() less this is its age.", stamps)


class _Tally:
    """A counter's increments, by its labels."""

    def __init__(self, counter: Counter) -> None:
        self._counter = counter
        self._counts: dict[tuple[object, ...], int] = {}

    def add(self, labels: tuple[object, ...]) -> None:
        self._counts[labels] = self._counts.get(labels, 0) + 1

    def tell(self) -> None:
        counts, self._counts = self._counts, {}
        for labels, count in counts.items():
            self._counter.labels(*labels).inc(count)


class _Spread:
    """A histogram's observations, by its labels: how many in each bucket, and their sum."""

    def __init__(self, histogram: Histogram, bounds: Sequence[float]) -> None:
        self._histogram = histogram
        self._bounds = bounds
        self._seen: dict[tuple[object, ...], tuple[list[int], list[float]]] = {}

    def add(self, labels: tuple[object, ...], amount: float) -> None:
        seen = self._seen.get(labels)
        if seen is None:
            seen = self._seen[labels] = ([0] * (len(self._bounds) + 1), [0.0])
        counts, total = seen
        counts[bisect_left(self._bounds, amount)] += 1
        total[0] += amount

    def tell(self) -> None:
        seen, self._seen = self._seen, {}
        for labels, (counts, total) in seen.items():
            child = self._histogram.labels(*labels)
            for bucket, count in zip(child._buckets, counts, strict=True):  # `observe` takes one at a time
                if count:
                    bucket.inc(count)
            child._sum.inc(total[0])


class _State:
    """What a process is like: waiting predictions and losses add up over workers; the worst of them is what is told of
    refusals, and the slowest to follow of readiness."""

    def __init__(self, registry: CollectorRegistry, champion: Champion, writer: GroupCommitWriter) -> None:
        self.shadow: Shadow | None = None
        self._champion = champion
        self._writer = writer
        self._lost = 0
        self._dropped = 0
        self._models: set[tuple[str, ...]] = set()

        def gauge(name: str, text: str, labels: Iterable[str] = (), mode: _Mode = "livemax") -> Gauge:
            return Gauge(f"riskloop_{name}", text, labels, registry=registry, multiprocess_mode=mode)

        self._waiting = gauge("ledger_waiting", "Predictions that wait to be written.", mode="livesum")
        self._ready = gauge("ready", "1 with a champion.", mode="livemin")
        self._refused = gauge("bundle_refused", "1 if the version that should lead was refused.")
        self._challenger = gauge("challenger_refused", "1 if the version that should challenge was refused.")
        self._away = gauge("promotions_away", "1 if the promotion log cannot be read.")
        self._model = gauge("model_info", "Who answers.", ["alias", "name", "version", "digest"])
        self._cpu = gauge("cpu_seconds", "CPU time of the service.", mode="sum")
        self._memory = gauge("memory_bytes", "Memory that its processes hold (Linux).", mode="livesum")
        self._losses = Counter("riskloop_ledger_lost", "Predictions that could not be written.", registry=registry)
        self._drops = Counter("riskloop_shadow_dropped", "Customers a shadow had no time for.", registry=registry)
        self.tell()

    def tell(self) -> None:
        """Bring the gauges up to date."""
        champion, arms = self._champion, self._champion.arms
        self._waiting.set(self._writer.depth)
        self._ready.set(arms is not None)
        self._refused.set(bool(champion.refused))
        self._challenger.set(bool(champion.challenger_refused))
        self._away.set(bool(champion.away))
        self._cpu.set(time.process_time())
        self._memory.set(_resident_bytes())
        lost, dropped = self._writer.lost, self.shadow.dropped if self.shadow else 0
        self._losses.inc(lost - self._lost)
        self._drops.inc(dropped - self._dropped)
        self._lost, self._dropped = lost, dropped
        models = {
            (live.alias, live.record.name, str(live.record.version), live.bundle.digest)
            for live in ((arms.champion, arms.challenger) if arms else ())
            if live
        }
        for gone in self._models - models:
            self._model.labels(*gone).set(0)  # files of workers know no removal
        for model in models:
            self._model.labels(*model).set(1)
        self._models |= models


def _resident_bytes() -> int:
    """Memory of this process; 0 where the system does not say."""
    try:
        return int(Path("/proc/self/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")
    except (OSError, ValueError, IndexError):
        return 0
