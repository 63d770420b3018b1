"""Verbs before learning: init, simulate, check, schema."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from riskloop.cli import completing
from riskloop.cli.options import HERE, JsonOption, ProjectOption, command_for, names
from riskloop.cli.refusing import not_from_model
from riskloop.cli.show import Reporter, verbatim
from riskloop.errors import UsageError

BEGIN = "riskloop init --data customers.csv --target churned"


class FileFormat(StrEnum):
    """File formats of simulated tables."""

    csv = "csv"
    parquet = "parquet"


class Schema(StrEnum):
    """What there is a JSON Schema of."""

    settings = "settings"
    model_report = "model-report"
    compliance_pack = "compliance-pack"
    data_report = "data-report"
    drift_report = "drift-report"
    experiment_report = "experiment-report"
    performance_report = "performance-report"


def register(app: typer.Typer) -> None:
    """Add the verbs to the command line."""
    app.command(
        "init", epilog="Example: riskloop init --data customers.csv --target churned --cost-fn 100 --cost-fp 10"
    )(init)
    app.command("simulate", epilog="Example: riskloop simulate churn --rows 10000 --out data/ --seed 7")(simulate)
    app.command("check", epilog="Example: riskloop check new_customers.csv")(check)
    app.command("schema", epilog="Example: riskloop schema > riskloop.schema.json")(schema)


def init(
    data: Annotated[
        str | None, typer.Option("--data", help="Table: CSV (any separator, .gz), Parquet, or a quoted glob.")
    ] = None,
    target: Annotated[
        str | None, typer.Option("--target", help='Target column, or a comparison: "ClaimNb > 0".')
    ] = None,
    positive: Annotated[str | None, typer.Option(help="Value of the target that is the risk.")] = None,
    id_column: Annotated[str | None, typer.Option("--id", help="Column that names the customer.")] = None,
    time_column: Annotated[
        str | None, typer.Option("--time", help="Event time; the test block is the latest part.")
    ] = None,
    sensitive: Annotated[str | None, typer.Option(help="Protected columns a,b: audited, never used.")] = None,
    unavailable: Annotated[str | None, typer.Option(help="Columns a,b not known at decision time.")] = None,
    linked: Annotated[
        list[str] | None, typer.Option(help="Linked table NAME=FILE:KEY[:TIME], many rows to a customer; repeatable.")
    ] = None,
    cost_fn: Annotated[
        str | None, typer.Option(help="Cost of a missed positive: an amount, or arithmetic over columns.")
    ] = None,
    cost_fp: Annotated[str | None, typer.Option(help="Cost of a needless action; the same.")] = None,
    currency: Annotated[str, typer.Option(help="Currency of the costs.")] = "EUR",
    separator: Annotated[str | None, typer.Option(help="Field separator, if it cannot be found out.")] = None,
    encoding: Annotated[str | None, typer.Option(help="Text encoding, if it cannot be found out.")] = None,
    header: Annotated[
        bool | None, typer.Option("--header/--no-header", help="Whether line 1 names the columns.")
    ] = None,
    columns: Annotated[str | None, typer.Option(help="Column names a,b,c of a file without a header.")] = None,
    sample_rows: Annotated[int | None, typer.Option(help="Learn from about so many rows of a larger table.")] = None,
    in_row_order: Annotated[
        bool, typer.Option("--in-row-order", help="Rows are in time order: test on the last.")
    ] = False,
    name: Annotated[str | None, typer.Option(help="Name of the project and of its model.")] = None,
    overwrite: Annotated[
        bool, typer.Option("--overwrite", help="Replace riskloop.yaml and contract.yaml; texts of reasons are kept.")
    ] = False,
    from_model: Annotated[
        str | None, typer.Option("--from-model", help="Not to be had: says why, and the safe way.")
    ] = None,
    project: ProjectOption = HERE,
    as_json: JsonOption = False,
) -> None:
    """Read a table, write the project's files, and report leakage, ids, sentinels and personal columns."""
    if from_model is not None:
        raise not_from_model(from_model)
    if data is None:
        raise UsageError(
            "Which table?",
            where="--data",
            next_step=f"name the table and the column to foresee: {BEGIN}; "
            "without a table of your own, try `riskloop simulate churn --out data`",
        )
    if target is None:
        raise UsageError("What is to be foreseen?", where="--target", next_step=_targets(data, separator, encoding))

    from riskloop.data.linked.propose import parse_linked
    from riskloop.data.source import Source
    from riskloop.decide.prices import declare
    from riskloop.loop.workflows.initialise import initialise

    if (cost_fn is None) != (cost_fp is None):
        raise UsageError("Give both costs or none.", next_step="e.g. --cost-fn 100 --cost-fp 10")
    costs = None
    if cost_fp is not None and cost_fn is not None:
        costs = declare(fp=cost_fp, fn=cost_fn, currency=currency)
    done = initialise(
        project,
        Source(data, separator, encoding, header, names(columns), sample_rows),
        target,
        positive=positive,
        id_column=id_column,
        time_column=time_column,
        sensitive=names(sensitive),
        unavailable=names(unavailable),
        linked_files=[parse_linked(text) for text in linked or ()],
        costs=costs,
        in_row_order=in_row_order,
        project=name,
        overwrite=overwrite,
    )
    reporter = Reporter(as_json)
    reporter.data(done)
    reporter.say(
        f"[bold]{done.settings.project}[/]: {done.rows:,} customers, {done.positives:,} positive "
        f"({done.positives / done.rows:.1%}), {len(done.features)} features"
    )
    reporter.findings(done.findings)
    if done.settings.features.drop:
        reporter.say(f"Left out: {verbatim(', '.join(done.settings.features.drop))}")
    step = command_for(project, "train --promote")
    if any(finding.code == "too-many-bad-rows" for finding in done.findings):
        step = command_for(project, "check")
    reporter.say(f"Wrote riskloop.yaml, contract.yaml and reasons.yaml. Next: [bold]{verbatim(step)}[/]")


def _targets(data: str, separator: str | None, encoding: str | None) -> str:
    """Columns that could be the target, from the first rows of the table; nothing of it where it cannot be read."""
    from riskloop.data.outcome import two_valued
    from riskloop.data.source import Source, read

    frame, _ = read(Source(data, separator, encoding, sample_rows=20_000))
    found = two_valued(frame)
    if found:
        return f"name a column with --target; of two values are {', '.join(found[:8])}"
    return f'name a column with --target, or a comparison: --target "{frame.columns[-1]} > 0"'


def simulate(
    scenario: Annotated[str, typer.Argument(help="churn or loan.", autocompletion=completing.scenarios)],
    out: Annotated[Path, typer.Option("--out", help="Folder to write.")],
    rows: Annotated[int, typer.Option(min=1, help="Customers.")] = 10_000,
    seed: Annotated[int, typer.Option(min=0, help="The same seed gives the same bytes.")] = 42,
    file_format: Annotated[FileFormat, typer.Option("--format", help="How to write tables.")] = FileFormat.csv,
    linked: Annotated[bool, typer.Option("--linked/--no-linked", help="Write the linked tables.")] = True,
    batch: Annotated[list[str] | None, typer.Option(help="Production batch NAME:ROWS, in order; repeatable.")] = None,
    drift: Annotated[
        list[str] | None, typer.Option(help="Drift of the last --batch, e.g. mean:age=+0.5sd; repeatable.")
    ] = None,
    as_json: JsonOption = False,
) -> None:
    """Simulate customers with known true probabilities, linked tables, drifted batches and late outcomes."""
    from riskloop.data.simulate.drift import BatchPlan, parse_drift
    from riskloop.data.simulate.scenarios import scenario_named
    from riskloop.data.simulate.writing import simulate as write

    found = scenario_named(scenario)
    drifts = tuple(parse_drift(text, found) for text in drift or ())
    plans = []
    for position, text in enumerate(batch or ()):
        label, _, count = text.partition(":")
        if not label or not count.isdigit():
            raise UsageError(f"A batch is NAME:ROWS, not {text!r}.", next_step="e.g. --batch january:3000")
        last = position == len(batch or ()) - 1
        plans.append(BatchPlan(label, int(count), drifts if last else ()))
    if drifts and not plans:
        raise UsageError("A drift needs a batch.", next_step="add --batch NAME:ROWS")
    done = write(
        scenario,
        rows=rows,
        seed=seed,
        out=out,
        file_format="csv" if file_format is FileFormat.csv else "parquet",
        linked=linked,
        batches=plans,
    )
    reporter = Reporter(as_json)
    reporter.data(done)
    reporter.say(
        f"[bold]{rows:,}[/] {scenario} customers in {verbatim(done.folder)} (positive rate {done.base_rate:.1%})"
    )
    reporter.say("  " + ", ".join(sorted(done.files)))


def check(
    table: Annotated[str | None, typer.Argument(help="Table to check; the training table if left out.")] = None,
    project: ProjectOption = HERE,
    as_json: JsonOption = False,
) -> None:
    """Hold a table against the contract; exit code 3 if the quality gate refuses it."""
    from riskloop.loop.workflows.check import check as look
    from riskloop.wiring import open_project

    done = look(open_project(project), table)
    reporter = Reporter(as_json)
    reporter.data({"passed": done.passed, **_fields(done)})
    reporter.findings(done.findings, most=50)
    verdict = "[green]passed[/]" if done.passed else "[red]refused[/]"
    reporter.say(f"{verdict}: {done.kept:,} of {done.rows:,} rows are good")
    if done.quarantine:
        reporter.say(f"Rows set aside, with reasons: {verbatim(done.quarantine)}")
    if done.exploration:
        reporter.say(verbatim(done.exploration.words))
    if not done.passed:
        raise typer.Exit(3)


def _fields(done: object) -> dict[str, object]:
    return {name: getattr(done, name) for name in ("path", "rows", "kept", "findings", "quarantine", "exploration")}


def schema(
    of: Annotated[
        Schema, typer.Argument(help="Of riskloop.yaml, or of the JSON form of a document.")
    ] = Schema.settings,
    as_json: JsonOption = True,  # noqa: ARG001 - a schema is JSON anyway
) -> None:
    """Print a JSON Schema: that of riskloop.yaml, or of a document's JSON form."""
    from riskloop.report.documents.schema import document_schema
    from riskloop.settings import json_schema

    Reporter(as_json=True).data(json_schema() if of is Schema.settings else document_schema(of.value))
