"""The web app at 100,000 predictions in the ledger: time to answer per page, bytes of the first load, layout shift.

Run: ``python -m benchmarks.pages``. Seconds are the client's, over HTTP on the same machine, median of 15 after a first
look, which reads the ledger. Layout shift is measured in Chromium or Chrome, where there is one.
"""

from __future__ import annotations

import json
import re
import shutil
import statistics
import tempfile
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path

import httpx
import numpy as np

from benchmarks.service import started
from riskloop.costs import Costs
from riskloop.data.simulate.writing import simulate
from riskloop.data.source import Source
from riskloop.keep.ledger import encode_columns
from riskloop.loop.project import Project
from riskloop.loop.workflows.initialise import initialise
from riskloop.loop.workflows.train import train
from riskloop.wiring import open_project

ROWS, RUNS = 100_000, 15
PAGES = {
    "overview": "/", "score": "/score", "score, with a verdict": "/score?example=1", "models": "/versions",
    "one model": "/versions/1", "thresholds": "/thresholds?fn=200&by_costs=1", "monitoring": "/watch",
    "experiments": "/experiments", "audit of a customer": "/audit?customer=C-77", "data": "/data",
    "worklist": "/worklist", "worklist, filtered": "/worklist?band=high&q=9&least=20&capacity=500",
    "worklist, page 100": "/worklist?decision=&start=4950",
}  # fmt: skip


def _project(folder: Path) -> Project:
    simulate("churn", rows=5_000, seed=3, out=folder / "data", linked=False)
    source = Source(str(folder / "data" / "customers.csv"))
    initialise(folder / "p", source, "churned", positive="yes", id_column="customer_id", costs=Costs(fp=10, fn=100))
    project = open_project(folder / "p")
    train(project, candidates=["lightgbm"], promote_reason="benchmark")
    return project


def _fill(project: Project) -> None:
    """Predictions of 100,000 customers over two weeks."""
    record, bundle = project.bundle()
    rng = np.random.default_rng(1)
    chances = rng.beta(1, 3, ROWS)
    decided = bundle.policy.decide_many(chances, bundle.policy.costs.of({}))
    features = [json.dumps(request) for request in bundle.golden.requests]
    last = datetime.now(UTC)
    for start in range(0, ROWS, 10_000):
        rows = range(start, start + 10_000)
        columns = {
            "prediction_id": [f"P-{row}" for row in rows],
            "entity_id": [f"C-{row}" for row in rows],
            "probability": chances[start : start + 10_000].tolist(),
            "decision": decided.decision[start : start + 10_000].tolist(),
            "threshold": decided.threshold[start : start + 10_000].tolist(),
            "risk_band": decided.risk_band[start : start + 10_000].tolist(),
            "expected_cost": decided.expected_cost[start : start + 10_000].tolist(),
            "latency_ms": rng.gamma(2, 0.2, 10_000).tolist(),
            "features": [features[row % len(features)] for row in rows],
        }
        at = last - timedelta(days=14 * (1 - (start + 10_000) / ROWS))
        same = {"at": at, "name": project.name, "version": record.version, "digest": bundle.digest, "arm": "champion"}
        project.ledger.append_encoded(encode_columns(10_000, columns, **same))


def _timed(client: httpx.Client, path: str) -> dict[str, float]:
    spent = []
    for _ in range(RUNS + 1):
        began = time.perf_counter()
        response = client.get(path)
        spent.append((time.perf_counter() - began) * 1000)
        assert response.status_code == 200, (path, response.text)
    return {
        "first_ms": round(spent[0], 1),
        "median_ms": round(statistics.median(spent[1:]), 1),
        "worst_ms": round(max(spent[1:]), 1),
    }


def _first_load(client: httpx.Client) -> dict[str, int]:
    """Bytes that travel when the overview is opened for the first time."""
    found = {"page": 0, "files": 0}
    with client.stream("GET", "/") as response:
        html = b"".join(response.iter_raw())
    found["page"] = len(html)
    for path in set(re.findall(rb'(?:href|src)="(/static/[^"]+)"', html)):
        with client.stream("GET", path.decode(), headers={"Accept-Encoding": "gzip"}) as response:
            found["files"] += sum(len(part) for part in response.iter_raw())
    return found | {"total": sum(found.values())}


def _shift(url: str) -> dict[str, float] | None:
    browser = next((path for name in ("chromium", "google-chrome") if (path := shutil.which(name))), None)
    if browser is None:
        return None
    from playwright.sync_api import sync_playwright

    measure = """() => new Promise(done => { let sum = 0;
        new PerformanceObserver(list => { for (const one of list.getEntries()) sum += one.value; })
          .observe({type: "layout-shift", buffered: true});
        setTimeout(() => done(sum), 300); })"""
    found = {}
    with sync_playwright() as playwright:
        page = playwright.chromium.launch(executable_path=browser, args=["--no-sandbox"]).new_page()
        for name in ("overview", "score, with a verdict", "worklist", "thresholds"):
            page.goto(url + PAGES[name])
            found[name] = round(page.evaluate(measure), 4)
    return found


def main() -> None:
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        project = _project(folder)
        _fill(project)
        project.engine.dispose()
        with started(folder / "p") as service:
            with httpx.Client(base_url=service.url, timeout=60, headers={"Accept": "text/html"}) as client:
                pages = {name: _timed(client, path) for name, path in PAGES.items()}
                load = _first_load(client)
            memory = float(Path(f"/proc/{service.pid}/status").read_text().split("VmRSS:")[1].split()[0]) / 1024
            results = {
                "rows": ROWS,
                "pages": pages,
                "first_load_bytes": load,
                "layout_shift": _shift(service.url),
                "rss_mb": round(memory),
                "ready_seconds": round(service.ready_seconds, 2),
            }
    print(json.dumps({"benchmark": "pages", "results": results}))


if __name__ == "__main__":
    main()
