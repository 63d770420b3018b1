"""`make images`: every line of the Dockerfile, run without an engine, in a clean folder that stands for each image.

What a container would have at ``/src``, ``/opt``, ``/wheels`` and ``/project`` lies below that folder. What would
change this machine (apt-get, useradd) is not run, and said so. Then the commands that the images end with: the health
check must fail before there is a service and while nobody leads, and pass once somebody does.
"""

from __future__ import annotations

import os
import shlex
import shutil
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

from deploy.processes import Processes, free_ports
from deploy.recipes import HERE, Stage, stages

ROOT = HERE.parent
NOT_HERE = ("useradd", "apt-get")
_PLACES = ("/src", "/opt/riskloop", "/wheels", "/project")
_OF_LAYERS = ("UV_NO_CACHE", "UV_LINK_MODE", "PIP_NO_CACHE_DIR", "PATH")
_TRAINING = ("sklearn", "pandas", "polars", "mlflow", "lightgbm", "scipy")


@dataclass
class Image:
    """A stage, built in a folder."""

    stage: Stage
    folder: Path

    def here(self, text: str) -> str:
        """A line with the places of this machine."""
        for place in _PLACES:
            text = text.replace(place, f"{self.folder}{place}")
        return text

    @property
    def environ(self) -> dict[str, str]:
        """What ENV says, without what makes layers small and builds slow."""
        said = {name: value for name, value in os.environ.items() if name not in ("PYTHONPATH", "VIRTUAL_ENV")}
        for line in self.stage.of("ENV"):
            words = (word.partition("=") for word in shlex.split(line))
            said |= {name: value for name, _, value in words if name not in _OF_LAYERS}
        return said | {
            "PATH": f"{self.folder}/builder/bin:{os.environ['PATH']}",
            "HOME": os.environ.get("HOME", "/tmp"),
        }

    def build(self) -> None:
        """Run it line by line."""
        (self.folder / "src").mkdir(parents=True)
        subprocess.run([sys.executable, "-m", "venv", self.folder / "builder"], check=True)
        (self.folder / "opt").mkdir()
        environ = self.environ
        for instruction, text in self.stage.steps:
            if instruction == "COPY" and not text.startswith("--from"):
                self._copy(text.split())
            elif instruction == "RUN" and any(word in text for word in NOT_HERE):
                print(f"  not run here: {text}", flush=True)
            elif instruction == "RUN":
                started = time.monotonic()
                subprocess.run(["sh", "-ec", self.here(text)], cwd=self.folder / "src", env=environ, check=True)
                print(f"  {time.monotonic() - started:5.1f} s  {text}", flush=True)

    def _copy(self, words: list[str]) -> None:
        *sources, target = words
        for source in sources:
            place = self.folder / "src" / target
            if (ROOT / source).is_dir():
                shutil.copytree(ROOT / source, place, ignore=shutil.ignore_patterns("__pycache__"))
            else:
                place = place / Path(source).name if target.endswith("/") else place
                place.parent.mkdir(parents=True, exist_ok=True)
                shutil.copy(ROOT / source, place)

    def run(self, words: list[str], **more: object) -> int:
        """A command of the image; its exit code."""
        program, *rest = words
        command = [str(self.folder / "opt" / "riskloop" / "bin" / program), *rest]
        return subprocess.run(command, check=False, env={"PATH": "/usr/bin:/bin", "HOME": "/tmp"}, **more).returncode  # type: ignore[call-overload]

    @property
    def megabytes(self) -> float:
        return sum(path.lstat().st_size for path in (self.folder / "opt").rglob("*") if path.is_file()) / 1e6


def main() -> int:
    """Build both images and run what they run; 0 if all is as it must be."""
    found = stages((HERE / "Dockerfile").read_text())
    with tempfile.TemporaryDirectory(prefix="riskloop-images-") as made:
        images = {}
        for name in ("serve", "train"):
            print(name, flush=True)
            lines = Stage(name, found[f"built-to-{name}"].steps + _own(found[name]))
            images[name] = Image(lines, Path(made) / name)
            images[name].build()
            print(f"  /opt/riskloop: {images[name].megabytes:,.0f} MB", flush=True)
        _only_serves(images["serve"])
        _run(images, Path(made))
    return 0


def _own(stage: Stage) -> list[tuple[str, str]]:
    """RUN lines of an image itself; what it copies from a stage before is there already."""
    return [step for step in stage.steps if step[0] in ("RUN", "CMD", "HEALTHCHECK")]


def _only_serves(image: Image) -> None:
    for name in _TRAINING:
        if image.run(["python", "-c", f"import {name}"], stderr=subprocess.DEVNULL) == 0:
            raise SystemExit(f"the serving image holds {name}")
    print("the serving image holds nothing that trains", flush=True)


def _run(images: dict[str, Image], folder: Path) -> None:
    project, data = folder / "project", folder / "data"
    table = f"--data {data}/customers.csv --target churned --positive yes --id customer_id --time snapshot_date"
    for words in (
        f"simulate churn --rows 1500 --seed 7 --no-linked --out {data}",
        f"init {table} --cost-fn 100 --cost-fp 10 --name churn --project {project}",
        f"keys add crm --role scorer --project {project}",
        f"train --candidates logistic_regression,lightgbm --project {project}",
    ):
        if images["train"].run(["riskloop", *words.split()], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL):
            raise SystemExit(f"riskloop {words} failed")
    (port,) = free_ports(1)

    def here(words: list[str]) -> list[str]:
        return [word.replace("8000", str(port)).replace("0.0.0.0", "127.0.0.1") for word in words]

    health, command = here(images["serve"].stage.health), here(images["serve"].stage.command)

    def healthy() -> bool:
        return images["serve"].run(health, stderr=subprocess.DEVNULL) == 0

    _must(not healthy(), "the health check fails without a service")
    with Processes(folder / "logs") as processes:
        own = images["serve"].folder / "opt" / "riskloop" / "bin" / command[0]
        processes.start("serve", [own, *command[1:], "--project", project], {"PYTHONPATH": ""})
        alive = [word.replace("/ready", "/health") for word in health]
        processes.until("serve", lambda: images["serve"].run(alive, stderr=subprocess.DEVNULL) == 0)
        _must(not healthy(), "the health check fails while nobody leads")
        promote = f"promote 1 --override --reason trial --project {project}"
        if images["serve"].run(["riskloop", *promote.split()], stdout=subprocess.DEVNULL):
            raise SystemExit("the serving image cannot promote")
        processes.until("serve", healthy, 30)
        _must(healthy(), "the health check passes once somebody does")
    for module in ("psycopg", "boto3", "mlflow"):
        _must(images["train"].run(["python", "-c", f"import {module}"]) == 0, f"the training image holds {module}")
    verb = images["train"].stage.command[1]
    known = images["train"].run(["riskloop", verb, "--help"], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) == 0
    _must(known, f"`riskloop {verb}` is a verb")


def _must(true: bool, words: str) -> None:
    if not true:
        raise SystemExit(f"not so: {words}")
    print(words, flush=True)


if __name__ == "__main__":
    sys.exit(main())
