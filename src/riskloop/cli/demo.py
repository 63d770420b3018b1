"""`riskloop demo`: the whole loop on simulated customers, through the same use cases and the same HTTP as anyone's."""

from __future__ import annotations

import contextlib
import csv
import json
import shutil
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from riskloop.cli.demo_months import half_a_year, in_plain_values, settings_of_the_loop, weeks
from riskloop.cli.demo_service import check_port, service
from riskloop.cli.learning import show_training
from riskloop.cli.show import Reporter, training_progress, verbatim
from riskloop.errors import RiskloopError, UsageError

if TYPE_CHECKING:
    from riskloop.decide.policy import Regret
    from riskloop.loop.project import Project
    from riskloop.loop.workflows.explain import CustomerExplained
    from riskloop.loop.workflows.train import TrainingResult

_MARK = ".riskloop-demo"
_FIRST = ("logistic_regression", "hist_gradient_boosting", "lightgbm")
_SECOND = ("catboost",)


@dataclass
class Traffic:
    """Customers asking for decisions over HTTP while versions change underneath."""

    url: str
    customers: list[dict[str, Any]]
    answers: list[dict[str, Any]] = field(default_factory=list)
    failures: int = 0
    _stop: threading.Event = field(default_factory=threading.Event)

    @contextlib.contextmanager
    def flowing(self) -> Iterator[None]:
        """Send one customer after the other until the block ends."""
        thread = threading.Thread(target=self._flow)
        thread.start()
        try:
            yield
        finally:
            self._stop.set()
            thread.join()

    def _flow(self) -> None:
        position = 0
        while not self._stop.is_set():
            customer = self.customers[position % len(self.customers)]
            position += 1
            try:
                self.answers.append(_post(f"{self.url}/predict", customer))
            except (urllib.error.URLError, OSError):
                self.failures += 1

    def versions(self) -> list[int]:
        """Versions that answered, in order of appearance."""
        seen: list[int] = []
        for answer in self.answers:
            version = answer["model"]["version"]
            if not seen or seen[-1] != version:
                seen.append(version)
        return seen


def run(folder: Path, *, rows: int, seed: int, port: int, stay: bool, reporter: Reporter) -> None:
    """Run the demo in a folder; see `riskloop demo --help`."""
    from riskloop.loop.workflows.check import check
    from riskloop.loop.workflows.release import promote, rollback

    started = time.monotonic()
    data = folder / "data"
    check_port(port)
    _clear(folder)
    _step(reporter, 1, f"Simulate {rows:,} customers of a telephone company, whose true risk we know")
    today = datetime.now(UTC)
    _simulate(data, rows, seed, today)
    project = _project(folder, data, reporter)
    _step(reporter, 3, "Hold the table against the contract")
    checked = check(project)
    reporter.say(f"  {checked.kept:,} of {checked.rows:,} rows are good, {len(checked.findings)} findings")

    _step(reporter, 4, "Train, compare, price, gate")
    first = _train(project, _FIRST, reporter)
    promote(project, first.version.version, reason="demo: first version accepted by the gate")
    regret = _regret(project, first, data)
    above = f"{regret.per_thousand:,.0f} EUR per 1,000 above the best possible decisions"
    reporter.say(f"  Against the known truth: {above} ({regret.relative:.1%} of {regret.bayes_per_thousand:,.0f})")

    _step(reporter, 5, "Serve, and let customers ask while versions change")
    with service(project, port) as url:
        traffic = Traffic(url, _requests(project, data / "batches" / "january.csv"))
        with traffic.flowing():
            second = _train(project, _SECOND, reporter)
            promote(
                project,
                second.version.version,
                reason="demo: another family, to see the service follow",
                override=not second.accepted,
            )
            _until(lambda: traffic.versions()[-1:] == [second.version.version])
            rollback(project, reason="demo: the committee wants the first version back")
            _until(lambda: traffic.versions()[-1:] == [first.version.version])
        why = _why(project, traffic, reporter)
        written = _documents(project, reporter)
        received = _outcomes(project, data, url)
        _step(reporter, 8, "Half a year in which customers changed: alarm, late outcomes, retraining, a new champion")
        later = half_a_year(project, data, today, reporter)
        leads = project.promotions.state().champion
        _until(lambda: _post(f"{url}/predict", traffic.customers[0])["model"]["version"] == leads)
        _money(reporter, project, first, traffic, received, time.monotonic() - started)
        told = _document(first, second, regret, traffic, received, url) | {"retraining": in_plain_values(later)}
        reporter.data(told | {"why": why, "documents": written})
    if stay:
        _stay(project, port, reporter)


def _step(reporter: Reporter, number: int, words: str) -> None:
    reporter.say()
    reporter.say(f"[bold cyan]{number}[/] [bold]{words}[/]")


def _clear(folder: Path) -> None:
    """Start afresh, but only in a folder that an earlier demo made."""
    if folder.exists() and any(folder.iterdir()):
        if not (folder / _MARK).is_file():
            raise UsageError("The folder is not empty.", where=str(folder), next_step="name another with --folder")
        shutil.rmtree(folder)
    folder.mkdir(parents=True, exist_ok=True)
    (folder / _MARK).touch()


def _simulate(data: Path, rows: int, seed: int, today: datetime) -> None:
    from riskloop.data.simulate.drift import BatchPlan
    from riskloop.data.simulate.writing import simulate

    batches = [BatchPlan("january", 2_000), BatchPlan("february", 2_000)]
    simulate("churn", rows=rows, seed=seed, out=data, batches=[*batches, *weeks(today)])


def _project(folder: Path, data: Path, reporter: Reporter) -> Project:
    from riskloop.costs import Costs
    from riskloop.data.source import Source
    from riskloop.loop.workflows.initialise import initialise
    from riskloop.wiring import open_project

    _step(reporter, 2, "Look at the table; a lost customer costs 100 EUR, a needless call 10 EUR")
    done = initialise(
        folder,
        Source(str(data / "customers.csv")),
        "churned",
        positive="yes",
        id_column="customer_id",
        time_column="snapshot_date",
        costs=Costs(fp=10, fn=100),
        project="demo",
    )
    reporter.say(f"  {done.rows:,} customers, {done.positives / done.rows:.1%} left, {len(done.features)} features")
    settings_of_the_loop(folder)
    return open_project(folder)


def _train(project: Project, families: tuple[str, ...], reporter: Reporter) -> TrainingResult:
    from riskloop.loop.workflows.train import train

    with training_progress(enabled=True) as watcher:
        done = train(project, candidates=families, watcher=watcher)
    show_training(reporter, done, promote=True)
    return done


def _regret(project: Project, done: TrainingResult, data: Path) -> Regret:
    """What the decisions on the test block cost more, in expectation, than those of one who knows the truth."""
    import numpy as np

    from riskloop.data.source import Source, read
    from riskloop.decide.policy import regret
    from riskloop.loop.table import read_table
    from riskloop.loop.workflows.check import prepare_table

    rows = prepare_table(project, read_table(project).frame).rows[done.trained.split.test]
    truth, _ = read(Source(str(data / "truth.csv")))
    known = dict(truth.iter_rows())
    probability = np.array([float(known[customer]) for customer in rows["customer_id"].to_list()])
    policy = done.trained.policy
    return regret(
        probability, policy.act(done.trained.test_probability, done.trained.test_costs), done.trained.test_costs
    )


def _post(url: str, document: Any) -> Any:
    request = urllib.request.Request(  # noqa: S310 - loopback
        url, json.dumps(document).encode(), {"Content-Type": "application/json"}
    )
    with urllib.request.urlopen(request, timeout=10) as answer:  # noqa: S310 - loopback
        return json.load(answer)


def _requests(project: Project, path: Path) -> list[dict[str, Any]]:
    """A batch of production customers as the JSON their callers would send."""
    columns = project.contract.by_name
    with path.open(newline="", encoding="utf-8") as stream:
        return [
            {
                "id": row["customer_id"],
                "features": {
                    name: _typed(row[name], columns[name].type) for name in project.contract.read_names if name in row
                },
            }
            for row in csv.DictReader(stream)
        ]


def _typed(text: str, kind: str) -> float | str | None:
    if not text:
        return None
    return float(text) if kind == "number" else text


def _until(reached: Any, seconds: float = 10.0) -> None:
    deadline = time.monotonic() + seconds
    while not reached():
        if time.monotonic() > deadline:
            raise RiskloopError("The service did not follow the promotion log.", next_step="run `riskloop doctor`")
        time.sleep(0.05)


def _outcomes(project: Project, data: Path, url: str) -> dict[str, int]:
    """What became of the customers, told to the service weeks later."""
    with (data / "batches" / "january.outcomes.csv").open(newline="", encoding="utf-8") as stream:
        known = [
            {
                "id": row["customer_id"],
                "outcome": row["outcome"] == project.settings.problem.positive,
                "observed_at": f"{row['observed_at']}T00:00:00Z",
            }
            for row in csv.DictReader(stream)
        ]
    receipt: dict[str, int] = _post(f"{url}/outcomes", known)
    return receipt


def _why(project: Project, traffic: Traffic, reporter: Reporter) -> CustomerExplained:
    """One of the customers who are to be called, as the ledger knows them."""
    from riskloop.cli.explaining import flip_in_words
    from riskloop.loop.workflows.explain import explain_customer

    act = project.settings.serving.labels[0]
    called = sorted((one["probability"], one["id"]) for one in traffic.answers if one["decision"] == act)
    told = explain_customer(project, customer=called[len(called) // 2][1])
    _step(reporter, 6, "Why: one of those who are to be called")
    reporter.say(
        f"  Customer {verbatim(told.customer)} leaves with a probability of {told.decision.probability:.0%}; "
        f"a call pays from {told.decision.threshold:.0%} on:"
    )
    for reason in told.reasons:
        reporter.say(f"    {verbatim(reason.texts['en'])}")
    if told.flip:
        reporter.say(f"  What would turn the decision: {verbatim(flip_in_words(told.flip))}")
    return told


def _documents(project: Project, reporter: Reporter) -> list[Path]:
    from riskloop.loop.workflows.report_version import report_compliance, report_model

    pages = [write(project).files["html"] for write in (report_model, report_compliance)]
    _step(reporter, 7, "Documents: model report and compliance pack, with what people have still to say")
    for page in pages:
        reporter.say(f"  {verbatim(page)}")
    return pages


def _money(
    reporter: Reporter,
    project: Project,
    first: TrainingResult,
    traffic: Traffic,
    received: dict[str, int],
    seconds: float,
) -> None:
    verify = project.promotions.verify()
    state = project.promotions.state()
    latency = sorted(answer["latency_ms"] for answer in traffic.answers)
    _step(reporter, 9, "What happened")
    reporter.say(
        f"  {len(traffic.answers):,} decisions over HTTP, {traffic.failures} failed, versions in order "
        f"{' -> '.join(map(str, traffic.versions()))}, median {latency[len(latency) // 2]:.1f} ms"
    )
    reporter.say(
        f"  {received['accepted']:,} outcomes arrived later; {project.ledger.count():,} decisions in the ledger"
    )
    reporter.say(
        f"  version {state.champion} leads; {verify.checked} events in the promotion log, chain "
        f"{'whole' if verify.ok else 'BROKEN'}"
    )
    reporter.say()
    rows = {row.name: row for row in first.trained.policies}
    names = {
        "act_on_all": "call everyone",
        "act_on_none": "call nobody",
        "at_0.5": "the model at 0.5",
        "chosen": f"the model at {first.trained.policy.threshold:.3f} (chosen)",
    }
    reporter.table(
        f"In money: EUR per 1,000 customers, on {first.trained.test.n:,} later customers the model never saw",
        ("decision", "calls", "cost", "95 % interval"),
        [
            (
                words,
                f"{rows[name].act_rate:.0%}",
                f"{rows[name].cost_per_thousand.value:,.0f}",
                f"{rows[name].cost_per_thousand.low:,.0f} to {rows[name].cost_per_thousand.high:,.0f}",
            )
            for name, words in names.items()
        ],
    )
    reporter.say(f"[bold]{verbatim(first.trained.verdict)}[/]")
    reporter.say(f"[dim]{seconds:.0f} seconds in all. The project is in {verbatim(project.folder)}[/]")


def _document(
    first: TrainingResult,
    second: TrainingResult,
    regret: Regret,
    traffic: Traffic,
    received: dict[str, int],
    url: str,
) -> dict[str, Any]:
    return {
        "url": url,
        "policies": [row.to_dict() for row in first.trained.policies],
        "verdict": first.trained.verdict,
        "regret": regret,
        "decisions": len(traffic.answers),
        "failed": traffic.failures,
        "versions": traffic.versions(),
        "outcomes": received,
        "accepted": {"first": first.accepted, "second": second.accepted},
    }


def _stay(project: Project, port: int, reporter: Reporter) -> None:
    from riskloop.wiring import serve_project

    reporter.say()
    serve_project(
        project.folder,
        port=port,
        on_ready=lambda url: reporter.note(f"The service stays on {url} (Ctrl-C ends it)"),
    )
