"""Requests per second of one worker: validated, scored, decided and durable in the ledger before the answer leaves.

Run: ``python -m benchmarks.serving``. A bounded load on loopback from one process with 1 and 16 connections; the load
shares the machine's cores with the service.
"""

from __future__ import annotations

import asyncio
import json
import tempfile
import time
from pathlib import Path

import numpy as np

from benchmarks.service import served
from riskloop.bundle.load import load
from riskloop.costs import Costs
from riskloop.data.simulate.writing import simulate
from riskloop.data.source import Source
from riskloop.loop.workflows.initialise import initialise
from riskloop.loop.workflows.release import promote
from riskloop.loop.workflows.train import train
from riskloop.wiring import open_project

REQUESTS = 4_000
HEAD = b"POST /predict HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n"


async def _connection(host: str, port: int, bodies: list[bytes], spent: list[float]) -> None:
    reader, writer = await asyncio.open_connection(host, port)
    for body in bodies:
        length = len(body)
        began = time.perf_counter()
        writer.write(HEAD % length + body)
        header = await reader.readuntil(b"\r\n\r\n")
        assert b" 200 " in header.split(b"\r\n", 1)[0], header
        length = int(header.lower().split(b"content-length:")[1].split(b"\r\n")[0])
        await reader.readexactly(length)
        spent.append(time.perf_counter() - began)
    writer.close()


async def _load(url: str, bodies: list[bytes], connections: int) -> dict[str, float]:
    host, port = url.removeprefix("http://").split(":")
    spent: list[float] = []
    began = time.perf_counter()
    await asyncio.gather(
        *(_connection(host, int(port), bodies[number::connections], spent) for number in range(connections))
    )
    seconds = time.perf_counter() - began
    return {
        "requests_per_second": round(len(spent) / seconds, 1),
        "p50_ms": round(float(np.quantile(spent, 0.5)) * 1000, 3),
        "p99_ms": round(float(np.quantile(spent, 0.99)) * 1000, 3),
    }


def main() -> None:
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        simulate("churn", rows=5_000, seed=3, out=folder / "data", linked=False)
        initialise(folder / "p", Source(str(folder / "data" / "customers.csv")), "churned", costs=Costs(fp=10, fn=100))
        project = open_project(folder / "p")
        done = train(project, candidates=["lightgbm"])
        promote(project, done.version.version, reason="benchmark", override=not done.accepted)
        requests = load(done.bundle, project.keys.trusted()).golden.requests
        bodies = [
            json.dumps({"id": str(number), "features": requests[number % len(requests)]}).encode()
            for number in range(REQUESTS)
        ]
        results: dict[str, object] = {"model": "lightgbm, 500 trees x 15 leaves", "requests": REQUESTS}
        with served(folder / "p") as url:
            asyncio.run(_load(url, bodies[:500], 1))
            for connections in (1, 16):
                results[f"{connections} connections"] = asyncio.run(_load(url, bodies, connections))
        results["predictions in the ledger"] = project.ledger.count()
    print(json.dumps({"benchmark": "serving", "results": results}))


if __name__ == "__main__":
    main()
