"""Verbs of learning: train, compare."""

from __future__ import annotations

from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from riskloop.cli import completing
from riskloop.cli.options import (
    HERE,
    EngineName,
    JsonOption,
    ProjectOption,
    WorkersOption,
    check_workers,
    command_for,
    names,
)
from riskloop.cli.show import Reporter, training_progress, verbatim
from riskloop.errors import UsageError

if TYPE_CHECKING:
    from riskloop.learn.evaluation.decided import Band
    from riskloop.learn.evaluation.fairness import Fairness
    from riskloop.learn.evaluation.intervals import Interval
    from riskloop.learn.evaluation.policies import PolicyRow
    from riskloop.loop.workflows.train import TrainingResult


def register(app: typer.Typer) -> None:
    """Add the verbs to the command line."""
    app.command("train", epilog="Example: riskloop train --candidates logistic_regression,lightgbm --promote")(train)
    app.command("reproduce", epilog="Example: riskloop reproduce 2")(reproduce)
    app.command("compare", epilog="Example: riskloop compare --sort roc_auc --csv runs.csv")(compare)


def train(
    candidates: Annotated[
        str | None,
        typer.Option(
            help="Families a,b,c, and blend, stack, voting, distilled; all families and blend if left out.",
            autocompletion=completing.candidates,
        ),
    ] = None,
    budget: Annotated[
        str | None, typer.Option(help="Time for everything: 90s, 10m, 2h. What is left is spent on a search.")
    ] = None,
    trials: Annotated[int | None, typer.Option(min=0, help="Trials of a search for better parameters.")] = None,
    search: Annotated[str | None, typer.Option(help="tpe, random or grid.")] = None,
    resume: Annotated[
        bool, typer.Option("--resume/--fresh", help="Go on where an interrupted training stopped, or forget it.")
    ] = True,
    learning_curve: Annotated[
        bool, typer.Option("--learning-curve", help="Also find out what more rows would be worth (eight fits more).")
    ] = False,
    promote: Annotated[
        bool, typer.Option("--promote", help="Let the new version lead if the gate accepts it.")
    ] = False,
    reason: Annotated[str, typer.Option(help="Why, for the promotion log.")] = "trained and accepted by the gate",
    engine: Annotated[
        EngineName | None,
        typer.Option(help="Who fits: this process, or Dask. Needed where data.path is a folder of Parquet files."),
    ] = None,
    workers: WorkersOption = None,
    project: ProjectOption = HERE,
    as_json: JsonOption = False,
) -> None:
    """Train and compare model families, choose by money, gate, and register a new version."""
    from riskloop.loop.workflows.train import train as learn
    from riskloop.loop.workflows.train_partitions import in_partitions, train_partitions
    from riskloop.wiring import open_engine, open_project

    check_workers(engine, workers)
    opened = open_project(project)
    if in_partitions(opened) and not engine:
        raise UsageError(
            "The training table is a folder, which is learnt from by partitions.",
            where="data.path",
            next_step="add --engine dask, or --engine local",
        )
    with ExitStack() as stack:
        worked_by = stack.enter_context(open_engine(engine.value, workers)) if engine else None
        watcher = stack.enter_context(training_progress(enabled=True))
        if worked_by and in_partitions(opened):
            if trials or budget or learning_curve:
                raise UsageError(
                    "Partitions are learnt from once, without a search or a learning curve.",
                    where="--engine",
                    next_step="leave out --trials, --budget and --learning-curve",
                )
            done = train_partitions(
                opened,
                engine=worked_by,
                candidates=names(candidates),
                promote_reason=reason if promote else None,
                watcher=watcher,
            )
        else:
            done = learn(
                opened,
                candidates=names(candidates),
                trials=trials,
                budget=budget,
                search=search,
                fresh=not resume,
                learning_curve=learning_curve,
                promote_reason=reason if promote else None,
                watcher=watcher,
                engine=worked_by if engine == EngineName.dask else None,
            )
    reporter = Reporter(as_json)
    reporter.data(done)
    show_training(reporter, done, promote=promote, project=project)
    if not done.accepted:
        raise typer.Exit(3)


def reproduce(
    version: Annotated[int, typer.Argument(help="Number of the version.", min=1, autocompletion=completing.versions)],
    project: ProjectOption = HERE,
    as_json: JsonOption = False,
) -> None:
    """Train a version again and say whether the bundle is the same, or what differs."""
    from riskloop.loop.workflows.reproduce import reproduce as again
    from riskloop.wiring import open_project

    opened = open_project(project)
    with training_progress(enabled=True) as watcher:
        done = again(opened, version, watcher)
    reporter = Reporter(as_json)
    reporter.data(done)
    if done.equal:
        reporter.say(f"[green]Equal[/]: version {version} was made again, digest {done.digest[:16]}.")
    else:
        reporter.say(f"[red]Not equal[/]: version {version}, digest {done.digest[:16]}.")
    for difference in done.differences:
        reporter.say(f"  {verbatim(difference)}")
    if not done.equal:
        raise typer.Exit(3)


def show_fairness(reporter: Reporter, fairness: Fairness, currency: str) -> None:
    """How groups fare, attribute by attribute."""
    reporter.table(
        f"Groups (test block; favourable is to {fairness.favourable})",
        (
            "group",
            "customers",
            "favourable",
            "of the best rate",
            "acted on if positive",
            "if negative",
            "came / foreseen",
        ),
        [
            (
                f"{one.attribute} = {one.level}",
                f"{one.rows:,}",
                _share(one.favourable),
                _ratio(one.ratio),
                _share(one.tpr),
                _share(one.fpr),
                _ratio(one.calibration),
            )
            for one in fairness.groups
        ],
    )
    if fairness.small:
        reporter.say(f"  {len(fairness.small)} groups of fewer than {fairness.minimum_rows} customers are not judged")
    for sentence in fairness.words(currency):
        reporter.say(f"  {verbatim(sentence)}")
    reporter.say()


def _threshold(row: PolicyRow, own: bool) -> str:
    if own and row.name in ("chosen", "bayes"):
        return "own"
    return "-" if row.threshold > 1 else f"{row.threshold:.4f}"


def _share(one: Interval) -> str:
    return "-" if one.value != one.value else f"{one.value:.1%} [{one.low:.1%}, {one.high:.1%}]"


def _ratio(one: Interval) -> str:
    return "-" if one.value != one.value else f"{one.value:.2f} [{one.low:.2f}, {one.high:.2f}]"


def _band_cells(band: Band) -> tuple[str, str, str, str]:
    came = f"{band.observed.value:.1%} [{band.observed.low:.1%}, {band.observed.high:.1%}]"
    return f"{band.foreseen:.1%}", came, f"{band.act_rate:.0%}", f"{band.cost_per_thousand:,.0f}"


def show_training(reporter: Reporter, done: TrainingResult, *, promote: bool, project: Path = HERE) -> None:
    """What was chosen and why, in money, and what the gate said."""
    trained = done.trained
    currency = trained.policy.costs.currency
    reporter.say()
    reporter.say(f"[bold]Version {done.version.version}[/]: {verbatim(trained.choice.why)}")
    for sentence in trained.choice.balancing:
        reporter.say(verbatim(sentence))
    reporter.say(f"Calibration: {trained.choice.chosen.calibration.why}")
    own = "Thresholds" if trained.policy.own_thresholds else f"Threshold {trained.policy.threshold:.4f}"
    reporter.say(f"{own}: {verbatim(trained.policy.why)}")
    test = trained.test
    shown = ", ".join(
        f"{name} {test[name].value:.4f} [{test[name].low:.4f}, {test[name].high:.4f}]" for name in ("roc_auc", "f1")
    )
    reporter.say(f"On {test.n:,} untouched customers: {shown}")
    reporter.say()
    reporter.table(
        f"What deciding would have cost ({currency} per 1,000 customers, test block)",
        ("policy", "threshold", "acts on", "cost", "95 % interval"),
        [
            (
                row.name.replace("_", " "),
                _threshold(row, trained.policy.own_thresholds),
                f"{row.act_rate:.1%}",
                f"{row.cost_per_thousand.value:,.0f}",
                f"{row.cost_per_thousand.low:,.0f} to {row.cost_per_thousand.high:,.0f}",
            )
            for row in done.policies
        ],
    )
    reporter.say(f"[bold]{verbatim(trained.verdict)}[/]")
    reporter.say(verbatim(trained.decided.sweep.words()))
    reporter.say()
    reporter.table(
        "Risk bands (test block)",
        ("band", "probability", "customers", "foreseen", "came", "acted on", f"cost ({currency} per 1,000)"),
        [
            (
                band.name,
                f"{band.low:g} to {band.high:g}",
                f"{band.rows:,}",
                *(("-",) * 4 if not band.rows else _band_cells(band)),
            )
            for band in trained.decided.bands
        ],
    )
    reporter.say()
    for sentence in trained.examination.words(currency):
        reporter.say(f"  {verbatim(sentence)}")
    if done.fairness:
        show_fairness(reporter, done.fairness, currency)
    for check in done.gate:
        mark = "[green]ok[/]" if check.passed else "[red]no[/]"
        reporter.say(f"  gate {mark} {check.name.replace('_', ' ')}: {verbatim(check.message)}")
    if done.promotion is not None and done.promotion.kind == "requested":
        step = command_for(project, f"approve {done.promotion.seq}")
        reporter.say(f"Promotion requested; another person must approve it: [bold]{verbatim(step)}[/]")
    elif done.promotion is not None:
        reporter.say(f"Version {done.version.version} leads. Next: [bold]{verbatim(command_for(project, 'serve'))}[/]")
    elif not done.accepted:
        reporter.say("The gate refused this version; it is kept, and cannot lead without a logged override.")
    elif not promote:
        step = command_for(project, f"promote {done.version.version} --reason TEXT")
        reporter.say(f"Next: [bold]{verbatim(step)}[/]")


def compare(
    sort: Annotated[
        str,
        typer.Option(help="Metric to sort by, e.g. cost_per_thousand, roc_auc, f1.", autocompletion=completing.metrics),
    ] = "cost_per_thousand",
    csv: Annotated[Path | None, typer.Option(help="Also write all metrics to this CSV file.")] = None,
    external: Annotated[
        str | None, typer.Option(help="Instead: price probabilities made elsewhere (id, probability), on test rows.")
    ] = None,
    version: Annotated[
        int | None, typer.Option("--model-version", min=1, help="With --external: beside which; the champion.")
    ] = None,
    id_column: Annotated[str | None, typer.Option(help="Of the external file: column of the id.")] = None,
    probability_column: Annotated[str, typer.Option(help="Of the external file.")] = "probability",
    project: ProjectOption = HERE,
    as_json: JsonOption = False,
) -> None:
    """List every candidate of every training, judged out of fold, with 95 % intervals."""
    if external is not None:
        _compare_external(external, version, id_column, probability_column, project, as_json)
        return
    from riskloop.data.contract import did_you_mean
    from riskloop.errors import UsageError
    from riskloop.loop.workflows.history import compare as list_all
    from riskloop.wiring import open_project

    rows = list_all(open_project(project), sort)
    if rows and sort not in rows[0].metrics:
        raise UsageError(f"Unknown metric {sort!r}{did_you_mean(sort, rows[0].metrics)}.", where="--sort")
    if csv is not None:
        _write_csv(csv, [row.to_dict() for row in rows])
    reporter = Reporter(as_json)
    reporter.data([row.to_dict() for row in rows])
    wide = list(dict.fromkeys((sort, "cost_per_thousand", "roc_auc")))
    narrow = [name for name in ("f1", "log_loss", "calibration_error") if name not in wide]
    reporter.table(
        "Candidates out of fold, with 95 % intervals",
        ("version", "", "family", *(name.replace("_", " ") for name in (*wide, *narrow)), "fit s"),
        [
            (
                f"{row.version}{' ' + row.alias if row.alias and row.chosen else ''}",
                "*" if row.chosen else "",
                row.family,
                *(_interval(row.metrics[name]) for name in wide),
                *(_value(row.metrics[name]["value"]) for name in narrow),
                f"{row.training_seconds:.1f}",
            )
            for row in rows
        ],
    )
    if rows:
        reporter.say("[dim]* chosen in its training[/]")
    else:
        reporter.say("Nothing is trained yet. Next: [bold]riskloop train[/]")
    if csv is not None:
        reporter.say(f"Wrote {verbatim(csv)}")


def _compare_external(
    path: str, version: int | None, id_column: str | None, probability_column: str, project: Path, as_json: bool
) -> None:
    from riskloop.data.source import Source
    from riskloop.loop.workflows.compare_external import compare_external
    from riskloop.wiring import open_project

    found = compare_external(
        open_project(project),
        Source(path),
        version=version,
        id_column=id_column,
        probability_column=probability_column,
    )
    reporter, asked = Reporter(as_json), ("roc_auc", "log_loss", "calibration_error")
    reporter.data(found)
    reporter.table(
        f"On {found.rows:,} untouched customers, {found.positives:,} positives",
        ("", *(name.replace("_", " ") for name in asked)),
        [
            (who, *(f"{one[name].value:.4f} [{one[name].low:.4f}, {one[name].high:.4f}]" for name in asked))
            for who, one in ((f"version {found.version}", found.ours), ("external", found.external))
        ],
    )
    reporter.table(
        f"What deciding would have cost ({found.currency} per 1,000 customers)",
        ("decided by", "acts on", "cost", "95 % interval"),
        [
            (
                f"version {found.version}" if row.name == "chosen" else row.name.replace("_", " "),
                f"{row.act_rate:.1%}",
                f"{row.cost_per_thousand.value:,.0f}",
                f"{row.cost_per_thousand.low:,.0f} to {row.cost_per_thousand.high:,.0f}",
            )
            for row in found.policies
        ],
    )
    reporter.say(f"[bold]{verbatim(found.verdict)}[/]")
    reporter.say(
        "For comparison only: outside probabilities are no version and cannot be promoted. If the other model has"
    )
    reporter.say("learnt from these customers, it looks better than it is.")


def _interval(metric: dict[str, float | None]) -> str:
    return f"{_value(metric['value'])} [{_value(metric['low'])}, {_value(metric['high'])}]"


def _value(value: float | None) -> str:
    return "-" if value is None else f"{value:.{0 if abs(value) >= 10 else 4}f}"


def _write_csv(path: Path, rows: list[dict[str, object]]) -> None:
    import csv

    flat = []
    for row in rows:
        metrics = row.pop("metrics")
        assert isinstance(metrics, dict)  # noqa: S101 - Compared.to_dict makes it one
        flat.append(
            row | {f"{name}_{end}".removesuffix("_value"): x for name, m in metrics.items() for end, x in m.items()}
        )
    with path.open("w", newline="", encoding="utf-8") as stream:
        writer = csv.DictWriter(stream, fieldnames=list(flat[0]) if flat else ["version"])
        writer.writeheader()
        writer.writerows(flat)
