"""A bounded load on loopback: wrk where it is installed, else a process of this Python.

Run: ``python -m benchmarks.serving.load URL BODIES CONNECTIONS SECONDS [RATE]``; BODIES holds one body a line, RATE is
in requests a second, over all connections: without it each sends its next as soon as it is answered.
"""

from __future__ import annotations

import asyncio
import json
import shutil
import subprocess
import sys
import time
from array import array
from itertools import cycle
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import numpy as np

SCRIPT = Path(__file__).with_name("load.lua")
HEAD = b"POST %s HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n"
WRK = shutil.which("wrk")
LOADER = "wrk, one thread" if WRK else "asyncio, one process"


def measure(url: str, bodies: Path, connections: int, seconds: int) -> dict[str, Any]:
    """Requests a second, and the milliseconds that half and 99 of 100 of them took at most."""
    if not WRK:
        return paced(url, bodies, connections, seconds)
    address = urlsplit(url)
    command = [WRK, "-t", "1", "-c", str(connections), "-d", f"{seconds}s", "-s", str(SCRIPT)]
    command += [f"{address.scheme}://{address.netloc}", "--", str(bodies), address.path]
    return _told(command)


def paced(url: str, bodies: Path, connections: int, seconds: float, rate: float | None = None) -> dict[str, Any]:
    """The same from a process of this Python, which can hold itself to a rate."""
    command = [sys.executable, "-m", "benchmarks.serving.load", url, str(bodies), str(connections), str(seconds)]
    return _told(command if rate is None else [*command, str(rate)])


def _told(command: list[str]) -> dict[str, Any]:
    done = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True)
    told = json.loads(done.stdout.strip().splitlines()[-1])
    per_second = round(told["requests"] / told["seconds"], 1)
    some = {name: told[name] for name in ("p50_ms", "p99_ms", "failed", "requests")}
    return some | {"requests_per_second": per_second}


async def _connection(url: str, bodies: list[bytes], until: float, pace: float, spent: array[float]) -> int:
    address = urlsplit(url)
    reader, writer = await asyncio.open_connection(address.hostname, address.port)
    failed, due = 0, time.perf_counter()
    for body in cycle(bodies):
        due = max(due + pace, time.perf_counter() - 1)  # what could not be sent in time is not made up for
        if (ahead := due - time.perf_counter()) > 0:
            await asyncio.sleep(ahead)
        began = time.perf_counter()
        if began >= until:
            break
        try:
            writer.write(HEAD % (address.path.encode(), len(body)) + body)
            header = await reader.readuntil(b"\r\n\r\n")
            failed += b" 200 " not in header.split(b"\r\n", 1)[0]
            await reader.readexactly(int(header.lower().split(b"content-length:")[1].split(b"\r\n")[0]))
        except (OSError, asyncio.IncompleteReadError):
            failed += 1
            writer.close()
            reader, writer = await asyncio.open_connection(address.hostname, address.port)
        spent.append(time.perf_counter() - began)
    writer.close()
    return failed


async def _load(
    url: str, bodies: list[bytes], connections: int, seconds: float, rate: float | None
) -> dict[str, float]:
    spent = array("d")
    began, pace = time.perf_counter(), connections / rate if rate else 0.0
    shares = (bodies[number::connections] for number in range(connections))
    failed = await asyncio.gather(*(_connection(url, share, began + seconds, pace, spent) for share in shares))
    p50, p99 = (np.quantile(spent, [0.5, 0.99]) * 1000).round(3).tolist()
    return {
        "requests": len(spent),
        "seconds": time.perf_counter() - began,
        "failed": sum(failed),
        "p50_ms": p50,
        "p99_ms": p99,
    }


def main() -> None:
    url, bodies, connections, seconds, *rate = sys.argv[1:]
    lines = Path(bodies).read_bytes().splitlines()
    every = float(rate[0]) if rate else None
    print(json.dumps(asyncio.run(_load(url, lines, int(connections), float(seconds), every))))


if __name__ == "__main__":
    main()
