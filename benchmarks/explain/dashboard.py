"""explainerdashboard beside riskloop: from a model and 10,000 customers to an explanation of each.

Run: ``python -m benchmarks.explain.dashboard``. The model and the customers are those of `benchmarks.explain`.
explainerdashboard runs in an environment of its own, looked for in the folder that RISKLOOP_PEERS names
(``explainerdashboard/bin/python``). It works out the values of all its customers when it starts; interaction values are
switched off, which would take some twenty times as long.
"""

from __future__ import annotations

import contextlib
import json
import os
import re
import resource
import socket
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.datasets import FN_TEN_FP, load
from benchmarks.explain.__main__ import BACKGROUND, ROWS, TABLE, alone, fitted_on, median_ms, scorer_of
from riskloop.learn.plan import Plan, training_block
from riskloop.scorer.explainer import Explainer
from riskloop.scorer.scorer import Scorer

PEER = Path(__file__).parent / "peers" / "run_explainerdashboard.py"
STARTING_SECONDS = 3600
PLACES = ("", "_dash-layout", "_dash-dependencies")
"""What a browser asks for first."""


def ours(scorer: Scorer, customers: dict[str, Any], background: dict[str, Any]) -> dict[str, Any]:
    """From the scorer to the shares of every customer; one alone afterwards."""
    began, spent = time.perf_counter(), _own_cpu()
    explainer = Explainer(scorer, background)
    explainer.explain(customers)
    return {
        "seconds": round(time.perf_counter() - began, 2),
        "cpu_seconds": round(_own_cpu() - spent, 2),
        "one_ms": median_ms(partial(alone, explainer, customers)),
    }


def theirs(python: Path, folder: Path) -> dict[str, Any]:
    """From starting the process to the pages a browser asks for first, and what they load from elsewhere."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    began = time.perf_counter()
    process = subprocess.Popen(
        [str(python), str(PEER), str(folder), str(port)], cwd=folder, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE
    )
    try:
        pages = [_page(f"http://127.0.0.1:{port}/{place}", process) for place in PLACES]
        status = Path(f"/proc/{process.pid}/status").read_text()
        found = {
            "seconds": round(time.perf_counter() - began, 2),
            "cpu_seconds": round(_cpu_of(process.pid), 2),
            "rss_mb": round(float(status.split("VmRSS:")[1].split()[0]) / 1024),
            "peak_mb": round(float(status.split("VmHWM:")[1].split()[0]) / 1024),
            "loaded_from_elsewhere": sorted({one for page in pages for one in _elsewhere(page)}),
        }
        (folder / "seen").touch()
        process.wait(timeout=STARTING_SECONDS)
    finally:
        process.kill()
        process.wait()
    return found | json.loads((folder / "facts.json").read_text())


def _page(url: str, process: subprocess.Popen[bytes]) -> str:
    until = time.monotonic() + STARTING_SECONDS
    while time.monotonic() < until:
        with contextlib.suppress(urllib.error.URLError, OSError), urllib.request.urlopen(url, timeout=60) as answer:
            return str(answer.read().decode())
        if process.poll() is not None:
            assert process.stderr is not None
            raise RuntimeError(process.stderr.read().decode()[-2000:])
        time.sleep(0.05)
    raise RuntimeError(f"{url} does not answer")


def _elsewhere(page: str) -> list[str]:
    """Addresses of scripts, styles and images that are not on this machine."""
    return re.findall(r"(?:src|href)=[\"'](https?://(?!127\.0\.0\.1)[^\"']+)", page)


def _own_cpu() -> float:
    used = resource.getrusage(resource.RUSAGE_SELF)
    return used.ru_utime + used.ru_stime


def _cpu_of(pid: int) -> float:
    spent = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[11:13]
    return sum(map(int, spent)) / os.sysconf("SC_CLK_TCK")


def main() -> None:
    home = os.environ.get("RISKLOOP_PEERS")
    python = Path(home) / "explainerdashboard" / "bin" / "python" if home else None
    dataset = load(TABLE)
    order = np.random.default_rng(7).permutation(len(dataset))
    block = training_block(dataset, np.sort(order[ROWS:]), Plan([], FN_TEN_FP))
    customers, background = dataset.take(order[:ROWS]), dataset.take(order[ROWS : ROWS + BACKGROUND])
    fitted = fitted_on(block, "lightgbm")
    results: dict[str, Any] = {
        "table": TABLE,
        "rows": ROWS,
        "columns": len(fitted.encoding.names),
        "load": round(os.getloadavg()[0], 1),
        "riskloop": ours(scorer_of(block, fitted.encoding, fitted.model), customers, background),
    }
    if python and python.exists():
        booster: Any = fitted.estimator
        with tempfile.TemporaryDirectory() as place:
            folder = Path(place)
            booster.save_model(str(folder / "model.txt"))
            matrix, names = fitted.encoding.matrix(customers), np.array(fitted.encoding.names)
            np.savez(folder / "rows.npz", rows=matrix, outcome=dataset.outcome[order[:ROWS]], names=names)
            results["explainerdashboard"] = theirs(python, folder)
    else:
        print("explainerdashboard is left out: no environment in RISKLOOP_PEERS", file=sys.stderr)
    print(json.dumps({"benchmark": "explain.dashboard", "results": results}))


if __name__ == "__main__":
    main()
