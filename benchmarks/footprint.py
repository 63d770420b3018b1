"""What an installation weighs, and how long its first import takes: riskloop's two beside its peers'.

Run: ``python -m benchmarks.footprint [--runs 3]``. Environments are looked for in the folder that RISKLOOP_PEERS names,
made as benchmarks/README.md says. Counted is what the requirement needs, and nothing else that lies there: the named
package with its extras and all that these require, by the packages' own metadata and lists of files, without bytecode.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from importlib.metadata import Distribution, distributions
from pathlib import Path

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

RUNS = 3
SILENCE = {
    "DO_NOT_TRACK": "1",
    "MLFLOW_DISABLE_TELEMETRY": "true",
    "BENTOML_DO_NOT_TRACK": "True",
    "NML_DISABLE_USAGE_LOGGING": "1",
}


@dataclass(frozen=True)
class Installation:
    """One environment.

    Attributes
    ----------
    name : str
        Its folder.
    requirements : sequence of str
        What a user asks for; the first is the one whose version is told.
    program : str
        The first lines of a program that uses it.
    """

    name: str
    requirements: tuple[str, ...]
    program: str


INSTALLATIONS = (
    Installation("riskloop-serve", ("riskloop",), "import riskloop.serve.server, riskloop.wiring"),
    Installation(
        "riskloop-train",
        ("riskloop[train]",),
        "import riskloop.loop.workflows.train, sklearn.ensemble, lightgbm, catboost, xgboost",
    ),
    Installation(
        "autogluon",
        ("autogluon.tabular[lightgbm,catboost,xgboost,fastai,ray]",),
        "from autogluon.tabular import TabularPredictor",
    ),
    Installation("flaml", ("flaml[automl]",), "from flaml import AutoML"),
    Installation("pycaret", ("pycaret", "six"), "from pycaret.classification import ClassificationExperiment"),
    Installation("mlflow", ("mlflow",), "import mlflow.pyfunc"),
    Installation("mlserver", ("mlserver", "mlserver-lightgbm"), "import mlserver, mlserver_lightgbm"),
    Installation("bentoml", ("bentoml",), "import bentoml; bentoml.service"),
    Installation(
        "evidently", ("evidently",), "from evidently import Report; from evidently.presets import DataDriftPreset"
    ),
    Installation("nannyml", ("nannyml",), "import nannyml"),
    Installation(
        "explainerdashboard",
        ("explainerdashboard", "setuptools"),
        "from explainerdashboard import ClassifierExplainer, ExplainerDashboard",
    ),
)


def needed(requirements: Iterable[str], installed: Mapping[str, Distribution]) -> dict[str, Distribution]:
    """All that the requirements need, by canonical name.

    Raises
    ------
    LookupError
        If one of them, or what it requires here, is not installed.
    """
    found: dict[str, Distribution] = {}
    asked = [Requirement(one) for one in requirements]
    seen: set[tuple[str, str]] = set()
    while asked:
        one = asked.pop()
        name = canonicalize_name(one.name)
        if name not in installed:
            raise LookupError(f"{one} is not installed")
        found[name] = installed[name]
        for extra in ("", *one.extras):
            if (name, extra) in seen:
                continue
            seen.add((name, extra))
            inner = map(Requirement, installed[name].requires or ())
            asked += [each for each in inner if each.marker is None or each.marker.evaluate({"extra": extra})]
    return found


def megabytes(distribution: Distribution) -> float:
    """Of its files as they lie there, without bytecode."""
    files = [Path(str(one.locate())) for one in distribution.files or () if one.suffix != ".pyc"]
    return sum(one.stat().st_size for one in files if one.is_file()) / 1e6


def first_import(python: Path, program: str, runs: int = RUNS) -> dict[str, float]:
    """Medians of fresh processes after one to warm up and write bytecode: seconds of the wall, and of the processor."""
    wall, processor = [], []
    environ = {name: value for name, value in os.environ.items() if not name.startswith("PYTHON")} | SILENCE
    with tempfile.TemporaryDirectory() as folder:  # PyCaret writes a log wherever it is imported
        for _ in range(runs + 1):
            began, before = time.perf_counter(), os.times()
            command = [str(python), "-c", program]
            subprocess.run(command, check=True, stdout=subprocess.DEVNULL, env=environ, cwd=folder)
            after = os.times()
            wall.append(time.perf_counter() - began)
            spent = after.children_user - before.children_user + after.children_system - before.children_system
            processor.append(spent)
    return {
        "seconds": round(statistics.median(wall[1:]), 2),
        "cpu_seconds": round(statistics.median(processor[1:]), 2),
    }


def measure(installation: Installation, python: Path, runs: int = RUNS) -> dict[str, object]:
    """The figures of one environment."""
    ask = "import sysconfig; print(sysconfig.get_paths()['purelib'])"
    told = subprocess.run([str(python), "-c", ask], check=True, capture_output=True, text=True)
    installed = {canonicalize_name(one.name): one for one in distributions(path=[told.stdout.strip()])}
    found = needed(installation.requirements, installed)
    sizes = {name: megabytes(one) for name, one in found.items()}
    largest = sorted(sizes, key=lambda name: -sizes[name])[:3]
    first = installed[canonicalize_name(Requirement(installation.requirements[0]).name)]
    return {
        "requirement": " ".join(installation.requirements),
        "version": first.version,
        "packages": len(found),
        "megabytes": round(sum(sizes.values())),
        "largest": {name: round(sizes[name]) for name in largest},
        "program": installation.program,
        **first_import(python, installation.program, runs),
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--runs", type=int, default=RUNS, help="imports that are timed, after one to warm up")
    runs = parser.parse_args().runs
    home = os.environ.get("RISKLOOP_PEERS")
    results: dict[str, object] = {"runs": runs, "load": round(os.getloadavg()[0], 1)}
    found = {}
    for one in INSTALLATIONS:
        python = Path(home) / one.name / "bin" / "python" if home else None
        if not python or not python.exists():
            print(f"{one.name} is left out: no environment in RISKLOOP_PEERS", file=sys.stderr)
            continue
        found[one.name] = measure(one, python.absolute(), runs)
        print(one.name, found[one.name], file=sys.stderr, flush=True)
    print(json.dumps({"benchmark": "footprint", "results": results | {"installations": found}}))


if __name__ == "__main__":
    main()
