"""A long load below what the service can do, while versions are promoted: does anything fail, get lost or grow?

Run: ``python -m benchmarks.soak [--minutes 10] [--share 0.8] [--every 5]``. The ledger is counted at the end: it must
hold as many predictions more as there were answers.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import cycle
from pathlib import Path
from typing import Any

from benchmarks.serving.champion import Champion, bodies, make
from benchmarks.serving.contestants import Running, riskloop, running
from benchmarks.serving.load import paced
from riskloop.loop.project import Project

CONNECTIONS = 16
FULL_SECONDS = 5
"""So long the load runs unpaced, to know what 100 % are."""


@dataclass
class _Watched:
    """What happened beside the load."""

    promotions: int = 0
    rss_mb: list[float] = field(default_factory=list)


def soak(champion: Champion, folder: Path, *, minutes: float, share: float, every: float) -> dict[str, Any]:
    """The figures of one load."""
    sent = folder / "bodies"
    sent.write_bytes(b"\n".join(bodies(champion.customers)))
    project = champion.project
    with running(riskloop(champion)[0]) as service:
        full = paced(service.url, sent, CONNECTIONS, FULL_SECONDS)
        rate, before, seen = share * full["requests_per_second"], project.ledger.count(), _answers(project)
        with _promoting(project, service, every) as watched:
            load = paced(service.url, sent, CONNECTIONS, 60 * minutes, rate)
        kept = project.ledger.count() - before
        answered = {version for version, count in _answers(project).items() if count > seen.get(version, 0)}
    tenth = len(watched.rss_mb) // 10
    return {
        "model": champion.model,
        "minutes": minutes,
        "share": share,
        "every": every,
        "connections": CONNECTIONS,
        "rate": rate,
        "requests": load["requests"],
        "failed": load["failed"] + full["failed"],
        "lost": load["requests"] - load["failed"] - kept,
        "promotions": watched.promotions,
        "versions": len(answered),
        "p50_ms": load["p50_ms"],
        "p99_ms": load["p99_ms"],
        "rss_mb": [round(watched.rss_mb[tenth]), round(watched.rss_mb[-1])],
    }


@contextmanager
def _promoting(project: Project, service: Running, every: float) -> Iterator[_Watched]:
    """Promote the two newest versions in turn; note memory each time."""
    watched, over = _Watched(), threading.Event()
    leads = project.promotions.state().champion
    newest = [one.version for one in project.versions.list()][-2:]
    turns = cycle(sorted(newest, key=lambda version: version == leads))

    def go_on() -> None:
        while not over.wait(every):
            version = next(turns)
            digest = project.versions.get(version).digest
            project.promotions.promote(
                version, digest, actor="soak", reason="its turn", at=project.clock(), override=True
            )
            watched.promotions += 1
            watched.rss_mb.append(service.rss_mb())

    thread = threading.Thread(target=go_on)
    thread.start()
    try:
        yield watched
    finally:
        over.set()
        thread.join()
        watched.rss_mb.append(service.rss_mb())


def _answers(project: Project) -> dict[int, int]:
    """Predictions of each version."""
    found: dict[int, int] = {}
    for one in project.ledger.arm_counts():
        found[one.version] = found.get(one.version, 0) + one.predictions
    return found


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.soak", description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--minutes", type=float, default=10.0, help="how long the load lasts; 10 by default")
    parser.add_argument("--share", type=float, default=0.8, help="of what the load could reach; 0.8 by default")
    parser.add_argument("--every", type=float, default=5.0, help="seconds between two promotions; 5 by default")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        found = soak(make(folder / "project"), folder, minutes=given.minutes, share=given.share, every=given.every)
    print(json.dumps({"benchmark": "soak", "results": found}))
    sys.exit(1 if found["failed"] or found["lost"] else 0)


if __name__ == "__main__":
    main()
