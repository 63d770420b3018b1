"""Verbs of operation: serve, score, customers, outcomes, erase, prune, doctor, demo."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from riskloop.cli import completing
from riskloop.cli.options import (
    HERE,
    EngineName,
    JsonOption,
    Language,
    LanguageOption,
    ProjectOption,
    WorkersOption,
    check_workers,
)
from riskloop.cli.show import Reporter, rows_progress, verbatim
from riskloop.errors import UsageError


def register(app: typer.Typer) -> None:
    """Add the verbs to the command line."""
    app.command("serve", epilog="Example: riskloop serve --port 8080")(serve)
    app.command("score", epilog="Example: riskloop score customers.csv --out decisions.csv")(score)
    app.command("customers", epilog="Example: riskloop customers customers_in_may.csv")(customers)
    app.command("outcomes", epilog="Example: riskloop outcomes churned_in_may.csv")(outcomes)
    app.command("erase", epilog="Example: riskloop erase C0000017 --yes")(erase)
    app.command("prune", epilog="Example: riskloop prune --days 730")(prune)
    app.command("doctor", epilog="Example: riskloop doctor --json")(doctor)
    app.command("demo", epilog="Example: riskloop demo --no-serve")(demo)


def serve(
    host: Annotated[str | None, typer.Option(help="Address; only loopback without keys.")] = None,
    port: Annotated[int | None, typer.Option(help="Port; 0 picks a free one.")] = None,
    workers: Annotated[int, typer.Option(min=1, max=64, help="Processes.")] = 1,
    project: ProjectOption = HERE,
    as_json: JsonOption = False,
) -> None:
    """Serve the champion over HTTP; promotions and rollbacks are followed within a second."""
    from riskloop.wiring import open_project, serve_project

    reporter, opened = Reporter(as_json), open_project(project)
    to_lead = opened.to_lead() if opened.promotions.state().champion is None else None
    opened.engine.dispose()

    def ready(url: str) -> None:
        reporter.data({"url": url})
        reporter.note(f"riskloop serves on {url}")
        if to_lead is not None:
            reporter.note(f"Nobody leads yet, and it answers 503 until somebody does. Next: {to_lead}")

    serve_project(project, host=host, port=port, workers=workers, on_ready=ready)


def score(
    table: Annotated[str, typer.Argument(help="Customers to decide about: CSV, Parquet or a quoted glob.")],
    out: Annotated[Path, typer.Option("--out", help="File to write: .csv or .parquet; a folder with --engine.")],
    version: Annotated[
        int | None,
        typer.Option(
            "--model-version", help="Version to use; the champion if left out.", autocompletion=completing.versions
        ),
    ] = None,
    worklist: Annotated[
        bool, typer.Option("--worklist", help="Write only those to act on, the largest expected gain first.")
    ] = False,
    capacity: Annotated[int | None, typer.Option(help="Act on so many at most: where it gains most.")] = None,
    reasons: Annotated[
        bool | None, typer.Option("--reasons/--no-reasons", help="Also say why; on a worklist unless told not to.")
    ] = None,
    language: LanguageOption = Language.en,
    log: Annotated[bool, typer.Option("--log/--no-log", help="Keep every decision in the ledger.")] = True,
    in_parts: Annotated[
        bool | None,
        typer.Option("--in-parts/--whole", help="In little memory, on from where it was interrupted; large files are."),
    ] = None,
    engine: Annotated[
        EngineName | None,
        typer.Option(help="For a folder or glob of Parquet files: partition by partition, here or on Dask."),
    ] = None,
    workers: WorkersOption = None,
    project: ProjectOption = HERE,
    as_json: JsonOption = False,
) -> None:
    """Decide about every customer of a file; rows that break the contract come back with the reason."""
    from riskloop.loop.workflows.score import score as decide
    from riskloop.loop.workflows.score_partitions import score_partitions
    from riskloop.loop.workflows.score_parts import is_large, score_in_parts
    from riskloop.wiring import open_engine, open_project

    opened = open_project(project)
    source = opened.source.like(table)
    as_a_whole = worklist or capacity is not None or bool(opened.linked.tables)
    if (in_parts or engine) and as_a_whole:
        raise UsageError(
            "A worklist, a capacity and linked tables need the table as a whole.",
            where="--engine" if engine else "--in-parts",
            next_step="leave it out",
        )
    check_workers(engine, workers)
    if engine and in_parts is not None:
        raise UsageError(
            "An engine goes over partitions as it is.", where="--in-parts", next_step="leave it out, or --engine"
        )
    if engine:
        with open_engine(engine.value, workers) as worked_by, rows_progress() as told:
            done = score_partitions(
                opened,
                table,
                out,
                engine=worked_by,
                reopen=open_project,
                version=version,
                log=log,
                reasons=bool(reasons),
                language=language.value,
                progress=told,
            )
    elif in_parts or (in_parts is None and not as_a_whole and is_large(source)):
        with rows_progress() as told:
            done = score_in_parts(
                opened,
                source,
                out,
                version=version,
                log=log,
                reasons=bool(reasons),
                language=language.value,
                progress=told,
            )
    else:
        done = decide(
            opened,
            source,
            out,
            version=version,
            log=log,
            worklist=worklist,
            capacity=capacity,
            reasons=reasons,
            language=language.value,
        )
    reporter = Reporter(as_json)
    reporter.data(done)
    reporter.findings([finding for finding in done.findings if finding.severity != "info"])
    reporter.say(
        f"{done.scored:,} of {done.rows:,} customers scored by version {done.version}; act on {done.acted:,}; "
        f"expected cost {done.expected_cost:,.0f} {verbatim(done.currency)}; acting gains {done.expected_gain:,.0f}"
    )
    if done.reviewed:
        reporter.say(f"{done.reviewed:,} customers are for review")
    if done.turned_away:
        reporter.say(
            f"There was no room for {done.turned_away:,} more, on whom acting would gain {done.forgone:,.0f} "
            f"{verbatim(done.currency)}"
        )
    reporter.say(f"Wrote {verbatim(done.out)}")


def customers(
    table: Annotated[str | None, typer.Argument(help="Customers; the training table if left out.")] = None,
    project: ProjectOption = HERE,
    as_json: JsonOption = False,
) -> None:
    """Keep these customers and their linked rows for scoring by id, in place of those on file."""
    from riskloop.loop.workflows.customers import load_customers
    from riskloop.wiring import open_project

    done = load_customers(open_project(project), table)
    reporter = Reporter(as_json)
    reporter.data(done)
    reporter.say(f"{done.customers:,} customers are on file: [bold]GET /customers/ID/prediction[/] scores them")


def outcomes(
    table: Annotated[str, typer.Argument(help="Outcomes: id, outcome, optionally observed_at.")],
    id_column: Annotated[str | None, typer.Option(help="Column of the id.")] = None,
    outcome_column: Annotated[str | None, typer.Option(help="Column of the outcome.")] = None,
    time_column: Annotated[str | None, typer.Option(help="Column of the time of observation.")] = None,
    project: ProjectOption = HERE,
    as_json: JsonOption = False,
) -> None:
    """Record what became of customers: late, repeated and corrected outcomes are expected."""
    from riskloop.data.source import Source
    from riskloop.loop.workflows.outcomes import record_outcomes
    from riskloop.wiring import open_project

    receipt = record_outcomes(
        open_project(project),
        Source(table),
        id_column=id_column,
        outcome_column=outcome_column,
        time_column=time_column,
    )
    reporter = Reporter(as_json)
    reporter.data(receipt)
    reporter.say(
        f"{receipt.accepted:,} outcomes recorded, {receipt.duplicates:,} known already, {receipt.corrections:,} "
        f"corrections, {receipt.unknown_customers:,} of customers never scored"
    )
    if receipt.too_early:
        reporter.say(
            f"{receipt.too_early:,} were so before their customer was first scored, and judge no prediction: are the "
            "dates (observed_at) right?"
        )


def erase(
    customer: Annotated[str, typer.Argument(help="Id of the customer.")],
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False,
    project: ProjectOption = HERE,
    as_json: JsonOption = False,
) -> None:
    """Forget a customer: predictions, outcomes, features and linked rows are deleted for good."""
    from riskloop.loop.workflows.forgetting import erase as forget
    from riskloop.wiring import open_project

    opened = open_project(project)
    if not yes:
        typer.confirm(f"Delete everything about {customer!r} for good?", abort=True, err=True)
    rows = forget(opened, customer)
    reporter = Reporter(as_json)
    reporter.data({"rows": rows})
    reporter.say(f"{rows:,} rows about {verbatim(customer)} are gone.")


def prune(
    days: Annotated[float | None, typer.Option(help="Days to keep; serving.retention_days if left out.")] = None,
    project: ProjectOption = HERE,
    as_json: JsonOption = False,
) -> None:
    """Delete predictions and outcomes that are older than they need be."""
    from riskloop.loop.workflows.forgetting import prune as remove
    from riskloop.wiring import open_project

    done = remove(open_project(project), days)
    reporter = Reporter(as_json)
    reporter.data(done)
    reporter.say(f"{done.rows:,} rows from before {done.before:%Y-%m-%d %H:%M} UTC are gone.")


def doctor(project: ProjectOption = HERE, as_json: JsonOption = False) -> None:
    """Look at the installation and the project; exit code 1 if something is missing."""
    from riskloop.loop.workflows.doctor import diagnose
    from riskloop.wiring import cluster_check, open_project

    found = diagnose(lambda: open_project(project), cluster_check())
    reporter = Reporter(as_json)
    reporter.data(found)
    for one in found:
        mark = "[green]ok[/]" if one.ok else "[red]no[/]"
        reporter.say(f"{mark} {one.name}: {verbatim(one.found)}")
        if one.next_step:
            reporter.say(f"   [dim]-> {verbatim(one.next_step)}[/]")
    if not all(one.ok for one in found):
        raise typer.Exit(1)


def demo(
    folder: Annotated[Path, typer.Option("--folder", help="Where to build the demo.")] = Path("demo"),
    rows: Annotated[int, typer.Option(min=2_000, help="Simulated customers.")] = 20_000,
    seed: Annotated[int, typer.Option(min=0, help="Seed.")] = 42,
    port: Annotated[int, typer.Option(min=1, max=65_535, help="Port of the web app.")] = 8000,
    stay: Annotated[bool, typer.Option("--serve/--no-serve", help="Leave the web app running at the end.")] = True,
    as_json: JsonOption = False,
) -> None:
    """Run the whole loop on simulated customers and show what happened in money."""
    from riskloop.cli.demo import run

    run(folder, rows=rows, seed=seed, port=port, stay=stay, reporter=Reporter(as_json))
