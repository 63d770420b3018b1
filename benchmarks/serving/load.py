"""A bounded load on loopback: wrk where it is installed, else a process of this Python.

Run: ``python -m benchmarks.serving.load URL BODIES CONNECTIONS SECONDS``; BODIES holds one body a line.
"""

from __future__ import annotations

import asyncio
import json
import shutil
import subprocess
import sys
import time
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
    address = urlsplit(url)
    if WRK:
        base = f"{address.scheme}://{address.netloc}"
        command = [WRK, "-t", "1", "-c", str(connections), "-d", f"{seconds}s", "-s", str(SCRIPT), base]
        command += ["--", str(bodies), address.path]
    else:
        command = [sys.executable, "-m", "benchmarks.serving.load", url, str(bodies), str(connections), str(seconds)]
    done = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True)
    told = json.loads(done.stdout.strip().splitlines()[-1])
    per_second = round(told["requests"] / told["seconds"], 1)
    return {name: told[name] for name in ("p50_ms", "p99_ms", "failed")} | {"requests_per_second": per_second}


async def _connection(url: str, bodies: list[bytes], until: float, spent: list[float]) -> int:
    address = urlsplit(url)
    reader, writer = await asyncio.open_connection(address.hostname, address.port)
    failed = 0
    for body in cycle(bodies):
        began = time.perf_counter()
        if began >= until:
            break
        writer.write(HEAD % (address.path.encode(), len(body)) + body)
        header = await reader.readuntil(b"\r\n\r\n")
        failed += b" 200 " not in header.split(b"\r\n", 1)[0]
        await reader.readexactly(int(header.lower().split(b"content-length:")[1].split(b"\r\n")[0]))
        spent.append(time.perf_counter() - began)
    writer.close()
    return failed


async def _load(url: str, bodies: list[bytes], connections: int, seconds: float) -> dict[str, float]:
    spent: list[float] = []
    began = time.perf_counter()
    shares = (bodies[number::connections] for number in range(connections))
    failed = await asyncio.gather(*(_connection(url, share, began + seconds, spent) for share in shares))
    p50, p99 = (np.quantile(spent, [0.5, 0.99]) * 1000).round(3).tolist()
    return {
        "requests": len(spent),
        "seconds": time.perf_counter() - began,
        "failed": sum(failed),
        "p50_ms": p50,
        "p99_ms": p99,
    }


def main() -> None:
    url, bodies, connections, seconds = sys.argv[1:]
    lines = Path(bodies).read_bytes().splitlines()
    print(json.dumps(asyncio.run(_load(url, lines, int(connections), float(seconds)))))


if __name__ == "__main__":
    main()
