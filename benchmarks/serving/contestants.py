"""Who is measured: each a command that serves one model from one process, a path, and bodies to send there."""

from __future__ import annotations

import contextlib
import json
import os
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from benchmarks.serving.champion import Champion, bodies

PEERS = Path(__file__).parent / "peers"
STARTING_SECONDS = 60


@dataclass(frozen=True)
class Contestant:
    """One service.

    Attributes
    ----------
    command : sequence of str
        ``{port}`` stands for the port.
    path : str
    bodies : sequence of bytes
    environ : mapping
        Beside this process's own.
    """

    name: str
    command: Sequence[str]
    path: str
    bodies: Sequence[bytes]
    environ: Mapping[str, str] = field(default_factory=dict)


def riskloop(champion: Champion) -> list[Contestant]:
    """As it comes, from two workers, durable against loss of power, and with reasons: for the adverse decisions, and
    for every customer."""
    command = [sys.executable, "-m", "riskloop", "serve", "--project", str(champion.project.folder), "--port", "{port}"]
    plain, told = bodies(champion.customers), bodies(champion.customers, explain=True)
    power = {"RISKLOOP__SERVING__DURABILITY": "power"}
    adverse = {"RISKLOOP__SERVING__REASONS": "adverse"}
    return [
        Contestant("riskloop", command, "/predict", plain),
        Contestant("riskloop, 2 workers", [*command, "--workers", "2"], "/predict", plain),
        Contestant("riskloop, power", command, "/predict", plain, power),
        Contestant("riskloop, adverse reasons", command, "/predict", plain, adverse),
        Contestant("riskloop, reasons", command, "/predict", told),
    ]


def ceiling(champion: Champion, answer: Path) -> Contestant:
    """The same server, answering a constant of the size of riskloop's answers."""
    command = [sys.executable, "-m", "benchmarks.serving.ceiling", "{port}", str(answer)]
    return Contestant("constant", command, "/predict", bodies(champion.customers))


def peers(champion: Champion, folder: Path) -> list[Contestant]:
    """The others, each where its environment is found in the folder that RISKLOOP_PEERS names."""
    names = champion.features
    rows = [[float(customer[name]) for name in names] for customer in champion.customers]
    (folder / "facts.json").write_text(
        json.dumps({"features": names, "customers": champion.customers[:1000], "threshold": 0.1})
    )
    champion.booster.save_model(str(folder / "model.txt"))
    found = [_mlflow(champion.booster, names, rows, folder)]
    objects = [dict(zip(names, row, strict=True)) for row in rows]
    if python := _python("naive"):
        _train(python, folder)
        command = [python, str(PEERS / "naive.py"), "{port}", str(folder)]
        found.append(Contestant("FastAPI + pandas + scikit-learn", command, "/predict", _lines(objects)))
    if python := _python("mlserver"):
        found.append(_mlserver(python, rows, folder))
    if python := _python("bentoml"):
        _train(python, folder / "bento")
        command = [python, "-m", "bentoml", "serve", str(PEERS / "bento.py") + ":Risk", "--port", "{port}"]
        environ = {"RISKLOOP_PEER_FOLDER": str(folder / "bento"), "BENTOML_DO_NOT_TRACK": "True"}
        sent = _lines([{"customer": one} for one in objects])
        found.append(Contestant("BentoML", command, "/predict", sent, environ))
    return found


def _mlflow(booster: Any, names: list[str], rows: list[list[float]], folder: Path) -> Contestant:
    import mlflow

    mlflow.lightgbm.save_model(booster, folder / "mlflow")
    command = [sys.executable, "-m", "mlflow", "models", "serve", "-m", str(folder / "mlflow"), "-p", "{port}"]
    command += ["--env-manager", "local", "-w", "1"]
    sent = _lines([{"dataframe_split": {"columns": names, "data": [row]}} for row in rows])
    environ = {"PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"}
    return Contestant("mlflow models serve", command, "/invocations", sent, environ)


def _mlserver(python: str, rows: list[list[float]], folder: Path) -> Contestant:
    place = folder / "mlserver"
    place.mkdir()
    model = {"name": "risk", "implementation": "mlserver_lightgbm.LightGBMModel"}
    model |= {"parameters": {"uri": str(folder / "model.txt")}}  # type: ignore[dict-item]
    (place / "model-settings.json").write_text(json.dumps(model))
    (place / "settings.json").write_text(json.dumps({"parallel_workers": 0, "debug": False, "grpc_port": 0}))
    sent = _lines(
        [{"inputs": [{"name": "row", "shape": [1, len(row)], "datatype": "FP64", "data": row}]} for row in rows]
    )
    command = [str(Path(python).with_name("mlserver")), "start", str(place)]
    environ = {"MLSERVER_HTTP_PORT": "{port}", "MLSERVER_GRPC_PORT": "{second}", "MLSERVER_METRICS_PORT": "{third}"}
    return Contestant("MLServer", command, "/v2/models/risk/infer", sent, environ)


def _python(name: str) -> str | None:
    home = os.environ.get("RISKLOOP_PEERS")
    python = Path(home) / name / "bin" / "python" if home else None
    if not python or not python.exists():
        print(f"{name} is left out: no environment in RISKLOOP_PEERS", file=sys.stderr)
        return None
    return str(python.absolute())


def _train(python: str, folder: Path) -> None:
    """The pipeline, by the versions that will read it."""
    if not folder.exists():
        folder.mkdir()
        for name in ("facts.json", "model.txt"):
            (folder / name).write_bytes((folder.parent / name).read_bytes())
    subprocess.run([python, str(PEERS / "pipeline.py"), str(folder)], check=True)


def _lines(documents: list[Any]) -> list[bytes]:
    return [json.dumps(document, separators=(",", ":")).encode() for document in documents]


@dataclass(frozen=True)
class Running:
    """A contestant that answers."""

    url: str
    pid: int
    ready_seconds: float
    answer: bytes

    def cpu_seconds(self) -> float:
        """What all its processes have spent so far: a measure that other work on the machine disturbs little."""
        return sum(map(_cpu_seconds, _family(self.pid)))

    def rss_mb(self) -> float:
        """Memory of the process that works: the largest of those started."""
        return max(map(_rss_mb, _family(self.pid)))


@contextlib.contextmanager
def running(contestant: Contestant) -> Iterator[Running]:
    """Start a contestant on free ports, wait for its first answer, and end it with all that it started."""
    ports = dict(zip(("port", "second", "third"), _free_ports(3), strict=True))
    command = [part.format_map(ports) for part in contestant.command]
    own = {name: value.format_map(ports) for name, value in contestant.environ.items()}
    began = time.perf_counter()
    process = subprocess.Popen(
        command,
        env={**os.environ, **own},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )
    url = f"http://127.0.0.1:{ports['port']}{contestant.path}"
    try:
        answer = _first_answer(url, contestant.bodies[0], process)
        yield Running(url, process.pid, time.perf_counter() - began, answer)
    finally:
        family = _family(process.pid)
        process.terminate()
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(timeout=30)
        for pid in family:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, 9)
        process.wait()


def _first_answer(url: str, body: bytes, process: subprocess.Popen[bytes]) -> bytes:
    request = urllib.request.Request(url, body, {"Content-Type": "application/json"})
    until = time.monotonic() + STARTING_SECONDS
    while time.monotonic() < until and process.poll() is None:
        try:
            with urllib.request.urlopen(request, timeout=5) as answered:
                return bytes(answered.read())
        except urllib.error.HTTPError as error:
            if error.code not in (404, 503):
                raise
        except OSError:
            pass
        time.sleep(0.02)
    raise RuntimeError(f"{url} does not answer")


def _free_ports(count: int) -> list[int]:
    with contextlib.ExitStack() as stack:
        sockets = [stack.enter_context(socket.socket()) for _ in range(count)]
        for one in sockets:
            one.bind(("127.0.0.1", 0))
        return [one.getsockname()[1] for one in sockets]


def _family(pid: int) -> list[int]:
    """A process and its descendants (Linux)."""
    found = [pid]
    for parent in found:
        with contextlib.suppress(OSError):
            for task in Path(f"/proc/{parent}/task").iterdir():
                found += map(int, (task / "children").read_text().split())
    return found


def _rss_mb(pid: int) -> float:
    try:
        return int(Path(f"/proc/{pid}/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE") / 2**20
    except OSError:
        return 0.0


def _cpu_seconds(pid: int) -> float:
    try:
        spent = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[11:13]
    except OSError:
        return 0.0
    return sum(map(int, spent)) / os.sysconf("SC_CLK_TCK")
