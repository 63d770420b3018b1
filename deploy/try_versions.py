"""`make test-versions`: installed and run on every Python from 3.11 on that this machine has, beside the one in use.

For each: an environment of its own below ``.venvs``, of the same hashes; then import, `--help`, a small project that is
made, checked, trained, promoted, scored and served; with ``--suite`` also the tests of the quick rooms, as warnings are
errors. ``--python`` names an interpreter; otherwise they are looked for on the PATH and where pyenv keeps them.
"""

from __future__ import annotations

import argparse
import csv
import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
import urllib.request
from pathlib import Path

ROOT = Path(__file__).parents[1]
VERSIONS = ("3.11", "3.12", "3.13")
ROOMS = ("data", "decide", "scorer", "bundle", "explain", "watch", "keep", "serve", "cli/test_app.py")
_SERVICE_SECONDS = 60


def main() -> int:
    """Try each; 0 if all passed."""
    parser = argparse.ArgumentParser(prog="python -m deploy.try_versions", description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--python", action="append", help="an interpreter, by its path; repeatable")
    parser.add_argument("--all", action="store_true", help="the version in use too")
    parser.add_argument("--suite", action="store_true", help="also run the tests of the quick rooms")
    asked = parser.parse_args()
    found = asked.python or interpreters(including_own=asked.all)
    if not found:
        print(f"No other Python of {', '.join(VERSIONS)} is here.")
    for python in found:
        began = time.monotonic()
        _try(python, suite=asked.suite)
        print(f"{python}: all of it, {time.monotonic() - began:.0f} s", flush=True)
    return 0


def interpreters(*, including_own: bool = False) -> list[str]:
    """One for each version that is here."""
    own = f"{sys.version_info.major}.{sys.version_info.minor}"
    wanted = [version for version in VERSIONS if including_own or version != own]
    return [python for version in wanted if (python := _interpreter(version))]


def _interpreter(version: str) -> str | None:
    """One that answers: a shim of pyenv may stand for nothing."""
    kept = sorted((Path.home() / ".pyenv" / "versions").glob(f"{version}.*/bin/python"), reverse=True)
    for python in (shutil.which(f"python{version}"), *map(str, kept)):
        if python and subprocess.run([python, "-c", "import venv"], check=False, capture_output=True).returncode == 0:
            return python
    return None


def _try(python: str, *, suite: bool) -> None:
    told = subprocess.run(
        [python, "-c", "import sys; print(*sys.version_info[:2], sep='.')"], check=True, capture_output=True, text=True
    ).stdout.strip()
    print(f"Python {told} ({python})", flush=True)
    here = _installed(python, ROOT / ".venvs" / told, "requirements-dev.lock" if suite else "requirements.lock")
    with tempfile.TemporaryDirectory(prefix="riskloop-versions-") as made:
        _smoke(here, Path(made))
    if suite:
        tests = [f"tests/{room}" for room in ROOMS]
        subprocess.run([here, "-m", "pytest", "-q", *tests, "-m", "not slow"], check=True, cwd=ROOT, env=_environ(here))


def _installed(python: str, folder: Path, lock: str) -> Path:
    """Its interpreter with what a lock names."""
    uv = shutil.which("uv", path=str(Path(sys.executable).parent)) or "uv"
    here = folder / "bin" / "python"
    if not here.exists():
        subprocess.run([python, "-m", "venv", "--without-pip", folder], check=True)
    install = [uv, "pip", "install", "--quiet", "--python", here]
    subprocess.run([*install, "--require-hashes", "-r", ROOT / lock], check=True, cwd=ROOT)
    subprocess.run([*install, "--no-deps", "--reinstall-package", "riskloop", ROOT], check=True, cwd=ROOT)
    return here


def _environ(here: Path) -> dict[str, str]:
    """Ours, with its own commands first and our sources out of the way."""
    kept = {name: value for name, value in os.environ.items() if name not in ("PYTHONPATH", "VIRTUAL_ENV")}
    return kept | {"PATH": f"{here.parent}:{os.environ['PATH']}", "PYTHONWARNINGS": "default"}


def _smoke(here: Path, folder: Path) -> None:
    """From nothing to an answer over HTTP."""
    riskloop = here.parent / "riskloop"

    def run(*words: str) -> str:
        command = [riskloop, *words]
        done = subprocess.run(command, cwd=folder, env=_environ(here), capture_output=True, text=True, check=False)
        if done.returncode or "Traceback" in done.stderr:
            raise SystemExit(f"riskloop {' '.join(words)}: exit code {done.returncode}\n{done.stdout}{done.stderr}")
        return done.stdout

    run("--help")
    run("simulate", "churn", "--rows", "2000", "--seed", "7", "--no-linked", "--out", "data")
    costs = ("--id", "customer_id", "--time", "snapshot_date", "--cost-fn", "100", "--cost-fp", "10")
    run("init", "--data", "data/customers.csv", "--target", "churned", *costs)
    run("check")
    run("train", "--candidates", "logistic_regression,lightgbm,xgboost,catboost", "--promote")
    run("score", "data/customers.csv", "--out", "decisions.csv", "--reasons")
    with (folder / "decisions.csv").open(newline="") as stream:
        scored = sum(1 for _ in csv.DictReader(stream))
    if scored != 2_000:
        raise SystemExit(f"{scored} of 2,000 customers were scored")
    run("report", "model")
    run("audit", "verify")
    print(f"  one decision over HTTP: {_served(riskloop, here, folder)}", flush=True)


def _served(riskloop: Path, here: Path, folder: Path) -> str:
    with (folder / "data" / "customers.csv").open(newline="") as stream:
        customer = next(csv.DictReader(stream))
    name = customer.pop("customer_id")
    customer.pop("churned")
    process = subprocess.Popen(
        [riskloop, "serve", "--port", "0", "--json"], cwd=folder, env=_environ(here), stdout=subprocess.PIPE, text=True
    )
    try:
        assert process.stdout is not None
        url = json.loads("".join(iter(process.stdout.readline, "}\n")) + "}")["url"]
        body = json.dumps({"id": name, "features": {key: _typed(cell) for key, cell in customer.items()}}).encode()
        request = urllib.request.Request(f"{url}/predict", body, {"Content-Type": "application/json"})
        opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
        with opener.open(request, timeout=_SERVICE_SECONDS) as answer:
            return str(json.load(answer)["decision"])
    finally:
        process.terminate()
        process.wait(_SERVICE_SECONDS)


def _typed(cell: str) -> str | float | None:
    """A cell as JSON has it."""
    try:
        return float(cell) if cell else None
    except ValueError:
        return cell


if __name__ == "__main__":
    sys.exit(main())
