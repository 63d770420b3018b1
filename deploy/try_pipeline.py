"""`make pipeline`: the stages of continuous delivery on simulated customers, in a folder of their own.

Containers and clusters are stood for: to build is to pack what a service needs, to push is to copy it, to deploy is to
start the service from that copy.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path

from deploy.processes import Processes, free_ports
from deploy.recipes import HERE

PIPELINE = HERE / "ci" / "pipeline.mk"
RISKLOOP = f"{sys.executable} -m riskloop"
_PACKED = "riskloop.yaml contract.yaml .riskloop/riskloop.db .riskloop/bundles .riskloop/keys"


def main() -> int:
    """Run it; 0 if every stage did what it must."""
    started = time.monotonic()
    with tempfile.TemporaryDirectory(prefix="riskloop-pipeline-") as made:
        folder = Path(made)
        (port,) = free_ports(1)
        environ = os.environ | {"RISKLOOP_ACTOR": "pipeline", "RISKLOOP_ARTIFACTS_URL": str(folder / "published")}
        _project(folder, environ)
        unpack = f"mkdir {folder}/deployed && tar -xzf {folder}/pushed/image.tar.gz -C {folder}/deployed"
        settings = {
            "RISKLOOP": RISKLOOP,
            "PYTHON": sys.executable,
            "PROJECT": str(folder / "project"),
            "BATCH": str(folder / "data" / "batches" / "february.csv"),
            "OUT": str(folder / "out"),
            "CANDIDATES": "logistic_regression",
            "SERVICE": f"http://127.0.0.1:{port}",
            "BUILD": f"tar -czf {folder}/image.tar.gz -C {folder}/project {_PACKED}",
            "PUSH": f"mkdir {folder}/pushed && cp {folder}/image.tar.gz {folder}/pushed/",
            "DEPLOY": f"{unpack} && touch {folder}/go",
            "READY_SECONDS": "30",
        }
        if _make(settings | {"READY_SECONDS": "1"}, environ, "healthy") == 0:
            print("the health check passes without a service", file=sys.stderr)
            return 1
        with Processes(folder / "logs") as processes:
            command = [*RISKLOOP.split(), "serve", "--port", port, "--project", folder / "deployed"]
            watcher = threading.Thread(target=_deploy, args=(folder / "go", processes, command), daemon=True)
            watcher.start()
            code = _make(settings, environ, "pipeline")
        pages = sorted(path.name for path in (folder / "published" / "reports").rglob("*.html"))
        print(
            f"{'every stage passed' if code == 0 else 'failed'}; {time.monotonic() - started:.0f} s; published: {pages}"
        )
        return code or (0 if pages else 1)


def _project(folder: Path, environ: dict[str, str]) -> None:
    data = folder / "data"
    simulate = f"simulate churn --rows 2000 --seed 7 --no-linked --out {data} --batch february:600"
    table = f"--data {data}/customers.csv --target churned --positive yes --id customer_id --time snapshot_date"
    for words in (
        f"{simulate} --drift mean:age=+1sd --drift mean:monthly_charge=+1sd --drift mean:satisfaction=-1sd",
        f"init {table} --cost-fn 100 --cost-fp 10 --name churn --project {folder}/project",
    ):
        subprocess.run([*RISKLOOP.split(), *words.split()], env=environ, check=True, stdout=subprocess.DEVNULL)


def _make(settings: dict[str, str], environ: dict[str, str], target: str) -> int:
    said = [f"{name}={value}" for name, value in settings.items()]
    return subprocess.run(["make", "-f", str(PIPELINE), *said, target], env=environ, check=False).returncode


def _deploy(mark: Path, processes: Processes, command: list[object]) -> None:
    while not mark.exists():
        time.sleep(0.1)
    processes.start("service", command)


if __name__ == "__main__":
    sys.exit(main())
