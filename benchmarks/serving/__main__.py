"""Requests a second of one worker, beside others that serve the same model, and beside what the server alone can do.

Run: ``python -m benchmarks.serving``. riskloop validates, scores and decides, and its answer is in the ledger before it
leaves; none of the others keeps anything. A load from a process of its own (wrk where it is installed) shares the
machine's cores with the service. The peers run in environments of their own, looked for in the folder that
RISKLOOP_PEERS names, and are left out where there is none; ``mlflow models serve`` runs in this one.
"""

from __future__ import annotations

import json
import os
import sys
import tempfile
from pathlib import Path
from typing import Any

from benchmarks.serving.champion import make
from benchmarks.serving.contestants import Contestant, Running, ceiling, peers, riskloop, running
from benchmarks.serving.load import LOADER, measure

CONNECTIONS = (1, 16, 32)
SECONDS = 8
WARM_SECONDS = 2


def contest(contestant: Contestant, folder: Path) -> dict[str, Any]:
    """The figures of one contestant, under each number of connections."""
    sent = folder / "bodies"
    sent.write_bytes(b"\n".join(contestant.bodies))
    with running(contestant) as service:
        (folder / f"answer of {contestant.name}").write_bytes(service.answer)
        found: dict[str, Any] = {"ready_seconds": round(service.ready_seconds, 2)}
        measure(service.url, sent, max(CONNECTIONS), WARM_SECONDS)
        found["loads"] = {str(number): load(service, sent, number) for number in CONNECTIONS}
        found["rss_mb"] = round(service.rss_mb())
    print(contestant.name, found, file=sys.stderr, flush=True)
    return found


def load(service: Running, sent: Path, connections: int) -> dict[str, Any]:
    """The figures under one number of connections, and the service's own microseconds per request."""
    before = service.cpu_seconds()
    found = measure(service.url, sent, connections, SECONDS)
    spent = service.cpu_seconds() - before
    return found | {"cpu_us": round(spent * 1e6 / (found["requests_per_second"] * SECONDS), 1)}


def main() -> None:
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        champion = make(folder / "project")
        busy = round(os.getloadavg()[0], 1)
        ours = riskloop(champion)
        services = {one.name: contest(one, folder) for one in ours}
        constant = ceiling(champion, folder / f"answer of {ours[0].name}")
        others = [constant, *peers(champion, folder)]
        services |= {one.name: contest(one, folder) for one in others}
        kept = champion.project.ledger.count()
    results = {
        "model": champion.model,
        "customers": len(champion.customers),
        "seconds": SECONDS,
        "loader": LOADER,
        "load": busy,
        "predictions in the ledger": kept,
        "services": services,
    }
    print(json.dumps({"benchmark": "serving", "results": results}))


if __name__ == "__main__":
    main()
