"""Verbs of comparing: ab start, status, stop, plan, replay, watch."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Annotated

import typer

from riskloop.cli import completing
from riskloop.cli.options import HERE, JsonOption, Language, LanguageOption, ProjectOption, moment, names
from riskloop.cli.show import Reporter, rows_progress, verbatim
from riskloop.errors import Unavailable, UsageError

if TYPE_CHECKING:
    from riskloop.intervals import Interval
    from riskloop.loop.workflows.arms import Compared
    from riskloop.loop.workflows.guard import ArmsGuarded

_MOST_DAYS = 14
_COSTS_EVERY = 3_600.0  # seconds: outcomes come by the day, and costs are read from every customer
_COLOURS = {"promote": "green", "stop": "red", "undecided": "yellow"}


def register(app: typer.Typer) -> None:
    """Add the verbs to the command line."""
    arms = typer.Typer(help="Compare a challenger with the champion in production.")
    arms.command("plan", epilog="Example: riskloop ab plan --challenger 2 --share 20% --least 1.5")(ab_plan)
    arms.command("replay", epilog="Example: riskloop ab replay --version 2 --since 2026-11-01")(ab_replay)
    arms.command("start", epilog="Example: riskloop ab start --challenger 2 --share 20% --reason 'cheaper'")(ab_start)
    arms.command("status", epilog="Example: riskloop ab status --report")(ab_status)
    arms.command("watch", epilog="Example: riskloop ab watch --every 1m")(ab_watch)
    arms.command("stop", epilog="Example: riskloop ab stop --reason 'the test is over'")(ab_stop)
    app.add_typer(arms, name="ab")


VersionArgument = Annotated[
    int | None, typer.Argument(help="Version that challenges.", show_default=False, autocompletion=completing.versions)
]
ChallengerOption = Annotated[
    int | None,
    typer.Option("--challenger", help="The same, by name.", show_default=False, autocompletion=completing.versions),
]
ShareHelp = "Share of customers that the challenger answers, as 0.2 or 20%."


def ab_start(
    version: VersionArgument = None,
    challenger: ChallengerOption = None,
    share: Annotated[str | None, typer.Option(help=ShareHelp)] = None,
    shadow: Annotated[
        bool, typer.Option("--shadow", help="It answers nobody; what it would have said is kept.")
    ] = False,
    reason: Annotated[str, typer.Option(help="Why; kept in the promotion log.")] = "comparison in production",
    project: ProjectOption = HERE,
    as_json: JsonOption = False,
) -> None:
    """Let a challenger answer some customers, always the same ones, or look on as a shadow."""
    from riskloop.loop.workflows.arms import start_arms
    from riskloop.wiring import open_project

    chosen, part = _version(version, challenger), None if share is None else _share(share)
    event = start_arms(open_project(project), chosen, reason=reason, share=part, shadow=shadow)
    reporter = Reporter(as_json)
    reporter.data(event)
    what = "looks on" if shadow else f"answers {part:.0%} of the customers"
    reporter.say(f"Version {chosen} {what} (event {event.seq}). See: [bold]riskloop ab status[/]")


def ab_status(
    report: Annotated[bool, typer.Option("--report", help="Also write a page, Markdown and JSON.")] = False,
    language: LanguageOption = Language.en,
    project: ProjectOption = HERE,
    as_json: JsonOption = False,
) -> None:
    """Say what the challenger saves so far, with an interval that may be looked at every day."""
    from riskloop.loop.workflows.arms import arms_status, sentence, write_experiment_report
    from riskloop.wiring import open_project

    opened = open_project(project)
    status = arms_status(opened)
    files = dict(write_experiment_report(opened, status, language.value).files) if report else {}
    reporter, told = Reporter(as_json), sentence(status)
    reporter.data(
        {
            "champion": status.champion,
            "challenger": status.challenger,
            "split": status.split,
            "since": status.since,
            "reason": status.reason,
            "counts": status.counts,
            "currency": status.currency,
            "sentence": told,
            "files": files,
            **({} if status.compared is None else status.compared.to_dict()),
        }
    )
    what = "looks on" if status.split.shadow else f"answers {status.split.share:.0%} of the customers"
    reporter.say(
        f"Version {status.challenger} {what} beside version {status.champion} since {status.since:%Y-%m-%d %H:%M} UTC"
    )
    if status.compared is not None:
        _say_compared(reporter, status.compared, status.currency)
        colour = _COLOURS[status.compared.verdict] if status.compared.trusted else "red"
        reporter.say(f"[bold {colour}]{verbatim(told[:1].upper() + told[1:])}.[/]")
    reporter.table(
        "Decided since",
        ("version", "arm", "decision", "answers", "mean probability", "expected cost each"),
        [
            (
                one.version,
                one.arm,
                one.decision,
                f"{one.predictions:,}",
                f"{one.mean_probability:.2%}",
                "-" if one.mean_expected_cost is None else f"{one.mean_expected_cost:,.2f}",
            )
            for one in status.counts
        ],
    )
    for path in files.values():
        reporter.say(f"Wrote {verbatim(path)}")


def _say_compared(reporter: Reporter, told: Compared, currency: str) -> None:
    counted = told.counted
    if told.looks:
        _say_looks(reporter, told, currency)
    parts = [f"{arm:,} of {all_:,}" for arm, all_ in zip(counted.told, counted.assigned, strict=True)]
    reporter.say(f"Outcomes known: champion {parts[0]}, challenger {parts[1]}")
    if told.terms.compare == "decisions":
        differing = sum(tally.differing for tally in counted.days.values())
        reporter.say(f"Decided differently by the two: {differing:,} of {sum(counted.told):,}; only these tell")
    split = "off: do not trust the difference" if told.split.off else "as meant"
    if sum(counted.assigned):
        reporter.say(f"Split {split} ({told.split.found:.1%} of {told.split.meant:.1%}, p {told.split.p_value:.2g})")
    for number, words in (
        (counted.mixed, "were answered by both arms and stay in that which was drawn"),
        (counted.fallback, "of the challenger's arm were answered by the champion"),
        (counted.left_out, "cannot be read again, or priced, and are left out"),
        (counted.otherwise, "were decided about otherwise than their version now says"),
    ):
        if number:
            reporter.say(f"  {number:,} {words}")


def _say_looks(reporter: Reporter, told: Compared, currency: str) -> None:
    reporter.table(
        f"Cost per customer, {currency}",
        ("until", "customers", "champion", "challenger", "difference", "surely between"),
        [
            (
                one.day,
                f"{sum(one.customers):,}",
                f"{one.cost[0]:,.2f}",
                f"{one.cost[1]:,.2f}",
                f"{one.difference.value:+,.2f}",
                f"[{one.difference.low:+,.2f}, {one.difference.high:+,.2f}]",
            )
            for one in told.looks[-_MOST_DAYS:]
        ],
    )


def ab_stop(
    reason: Annotated[str, typer.Option(help="Why; kept in the promotion log.")] = "the comparison is over",
    decide: Annotated[
        bool, typer.Option("--decide", help="Let the challenger lead if it is surely cheaper; refuse if undecided.")
    ] = False,
    project: ProjectOption = HERE,
    as_json: JsonOption = False,
) -> None:
    """End the challenge: the champion answers everybody again, or the challenger if it has won."""
    from riskloop.loop.workflows.arms import stop_arms
    from riskloop.wiring import open_project

    event = stop_arms(open_project(project), reason=reason, decide=decide)
    reporter = Reporter(as_json)
    reporter.data(event)
    if event.kind == "requested":
        reporter.say(f"Requested. Another person approves it with: [bold]riskloop approve {event.seq}[/]")
    elif event.kind == "withdrawn":
        reporter.say(f"Version {event.version} challenges no more (event {event.seq}).")
    else:
        reporter.say(f"Version {event.version} leads (event {event.seq}, {event.kind}).")


def ab_plan(
    version: VersionArgument = None,
    challenger: ChallengerOption = None,
    share: Annotated[str, typer.Option(help=ShareHelp)] = "0.5",
    least: Annotated[
        float | None, typer.Option(min=0, help="Smallest difference worth telling, in currency per customer.")
    ] = None,
    project: ProjectOption = HERE,
    as_json: JsonOption = False,
) -> None:
    """Say how many customers and days a comparison needs, from recent traffic; nothing starts."""
    from riskloop.loop.workflows.ab_plan import plan_arms
    from riskloop.wiring import open_project

    plan = plan_arms(open_project(project), _version(version, challenger), share=_share(share), least=least)
    reporter, told, seen = Reporter(as_json), plan.to_dict(), plan.seen
    reporter.data(told)
    money = plan.currency
    if seen.customers:
        one, other = seen.difference
        reporter.say(
            f"{seen.customers:,} recent customers: the two decide differently about {seen.differing:.1%}; expected "
            f"difference {one:+,.3f} {money} per customer by the champion's probabilities, {other:+,.3f} by the "
            f"challenger's. {seen.a_day:,.0f} customers a day come over HTTP"
        )
    else:
        reporter.say("The ledger holds too little traffic to look back on: what follows is a rough guess")
    arms = told["customers_per_arm"]
    if arms is None:
        reporter.say("No number of customers tells such a difference: name one worth telling with --least")
    else:
        days = "" if told["days"] is None else f", about {max(1.0, plan.days):,.0f} days"
        reporter.say(
            f"To tell {plan.effect:,.3f} {money} per customer with {plan.power:.0%} power: {arms[0]:,.0f} customers of "
            f"the champion and {arms[1]:,.0f} of the challenger{days}"
        )
        reporter.say(f"A single look at the end would need {plan.needed.fixed:,.0f} in all")
    reporter.table(
        "Smallest difference told",
        ("days", f"{money} per customer"),
        [(days, f"{value:,.3f}") for days, value in plan.detectable.items()],
    )


def ab_replay(
    version: Annotated[
        int, typer.Option("--version", min=1, help="Version that is asked.", autocompletion=completing.versions)
    ],
    since: Annotated[str | None, typer.Option(help="Predictions from this day or time on (UTC): 2026-11-01.")] = None,
    by: Annotated[
        str | None,
        typer.Option(help="Category columns to tell apart, separated by commas.", autocompletion=completing.columns),
    ] = None,
    project: ProjectOption = HERE,
    as_json: JsonOption = False,
) -> None:
    """Ask a version about the ledger: what it would decide otherwise, and what that would cost; writes nothing."""
    from riskloop.loop.workflows.replay import replay
    from riskloop.wiring import open_project

    with rows_progress() as done:
        found = replay(open_project(project), version, since=moment(since), by=names(by), done=done)
    reporter, whole, money = Reporter(as_json), found.whole, found.currency
    reporter.data(found)
    reporter.say(
        f"Version {found.version} would decide {whole.changed:,} of {whole.predictions:,} predictions otherwise"
        + (f"; {found.unread:,} it cannot read" if found.unread else "")
    )
    for (old, new), number in sorted(found.changes.items()):
        reporter.say(f"  {old} -> {new}: {number:,}")
    reporter.say(f"Cost per prediction, {money}, less what was decided (below 0 it saves):")
    for words, one in (
        ("expected, by the probabilities that were answered", whole.expected[0]),
        ("expected, by the version's own", whole.expected[1]),
        (f"realised, on {whole.realised.n:,} known outcomes", whole.realised),
    ):
        reporter.say(f"  {words}: {_interval(one.mean())}")
    reporter.say("  Realised costs take it that acting changes no outcome; where it does, only an experiment can tell.")
    reporter.table(
        "By segment",
        ("column", "level", "predictions", "changed", "expected", "realised"),
        [
            (
                column,
                level,
                f"{group.predictions:,}",
                f"{group.changed:,}",
                _interval(group.expected[0].mean()),
                _interval(group.realised.mean()),
            )
            for (column, level), group in sorted(found.segments.items())
        ],
    )


def ab_watch(
    every: Annotated[str, typer.Option(help="How often to look: 30s, 1m.")] = "1m",
    once: Annotated[bool, typer.Option("--once", help="Look once; exit code 3 if the challenge was ended.")] = False,
    project: ProjectOption = HERE,
    as_json: JsonOption = False,
) -> None:
    """Hold the challenger against the guardrails, and end the challenge if one does not hold."""
    from riskloop.loop.workflows.guard import guard_arms
    from riskloop.settings.section import duration
    from riskloop.wiring import open_project

    try:
        seconds = duration(every)
    except ValueError as error:
        raise UsageError(f"{error}.", where="--every", next_step="write 30s or 1m") from error
    opened, reporter, since_costs = open_project(project), Reporter(as_json), _COSTS_EVERY
    while True:
        try:
            found = guard_arms(opened, costs=since_costs >= _COSTS_EVERY)
        except Unavailable as error:
            if once:
                raise
            reporter.note(f"error: {error}")  # it comes back, and somebody has to be there then
            time.sleep(seconds)
            continue
        since_costs = 0.0 if since_costs >= _COSTS_EVERY else since_costs + seconds
        if once or found.status != "quiet":
            break
        time.sleep(seconds)
    reporter.data(found)
    reporter.say(_guarded(found))
    if found.status == "ended":
        raise typer.Exit(3)


def _guarded(found: ArmsGuarded) -> str:
    if found.status == "none":
        return "Nobody challenges the champion."
    if found.status == "quiet":
        return f"Version {found.challenger} keeps within the guardrails."
    told = "; ".join(one.message for one in found.breaches)
    return f"[bold red]Version {found.challenger} challenges no more:[/] {verbatim(told)}."


def _interval(one: Interval) -> str:
    return "-" if one.value != one.value else f"{one.value:+,.3f} [{one.low:+,.3f}, {one.high:+,.3f}]"


def _version(version: int | None, challenger: int | None) -> int:
    if version is None and challenger is None:
        raise UsageError("Which version challenges?", where="--challenger", next_step="give its number")
    if version is not None and challenger is not None and version != challenger:
        raise UsageError(f"Version {version} or {challenger}?", where="--challenger", next_step="name it once")
    return version if version is not None else challenger or 0


def _share(text: str) -> float:
    """A share written as 0.2 or 20%."""
    try:
        share = float(text.removesuffix("%")) / (100 if text.endswith("%") else 1)
    except ValueError as error:
        raise UsageError(f"{text!r} is no share.", where="--share", next_step="write 0.2 or 20%") from error
    if not 0 < share < 1:
        raise UsageError(f"A share of {text} makes no sense.", where="--share", next_step="write 0.2 or 20%")
    return share
