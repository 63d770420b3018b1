"""The second act of `riskloop demo`: half a year in which customers changed, from the alarm to the new champion."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from riskloop.cli.looping import show_retraining
from riskloop.cli.show import Reporter, training_progress, verbatim
from riskloop.settings import FILE, read_yaml, write_yaml

if TYPE_CHECKING:
    from riskloop.data.simulate.drift import BatchPlan
    from riskloop.loop.project import Project
    from riskloop.loop.watching.monitored import Monitored
    from riskloop.loop.workflows.retrain import Retrained

_WEEKS, _ROWS = 8, 800
_FAMILIES = ("logistic_regression", "lightgbm")
_BEFORE = timedelta(days=190)  # 8 weeks, 90 days until a customer has left or not, and some until it is told
_MATURITY = "130d"
_SETTINGS = {"look_back": "200d", "window": "recent:60d"}
_DRIFTS = ("concept=0.8", "mean:service_contacts_90d=-1.0sd", "mean:satisfaction=+1.0sd")


def weeks(today: datetime) -> list[BatchPlan]:
    """Weekly lists of half a year ago: a competitor courts loyal customers, who complain less than those who left."""
    from riskloop.data.simulate.drift import BatchPlan, parse_drift
    from riskloop.data.simulate.scenarios import scenario_named

    drifts = [parse_drift(text, scenario_named("churn")) for text in _DRIFTS]
    return [BatchPlan(f"week{n + 1}", _ROWS, drifts, start=at.date(), days=7) for n, at in enumerate(_days(today))]


def settings_of_the_loop(folder: Path) -> None:
    """Say in riskloop.yaml when outcomes are known, and what to learn from."""
    path = folder / FILE
    said = read_yaml(path)
    changed = {"problem": said["problem"] | {"maturity": _MATURITY}, "retraining": _SETTINGS}
    write_yaml(path, said | changed, "Written by riskloop demo.")


def half_a_year(project: Project, data: Path, today: datetime, reporter: Reporter) -> Retrained:
    """Score the weekly lists as they came, watch, hear what became of the customers, and take a turn of the loop."""
    from riskloop.loop.workflows.turning import Turn, keep_turning

    watched = _alarm(project, data, today)
    _tell_alarm(reporter, watched)
    accepted = sum(_outcomes(project, data))
    reporter.say(f"  Months later {accepted:,} outcomes are known. `riskloop loop` takes a turn:")
    turns: list[Turn] = []
    with training_progress(enabled=True) as watcher:
        keep_turning(project, every=3_600, once=True, told=turns.append, candidates=_FAMILIES, watcher=watcher)
    done = turns[-1].retrained
    assert done is not None  # noqa: S101 - a turn of the loop that is alone ends in one
    show_retraining(reporter, done)
    _in_money(reporter, done)
    return done


def _days(today: datetime) -> Iterator[datetime]:
    first = today.astimezone(UTC).replace(hour=6, minute=0, second=0, microsecond=0) - _BEFORE
    return (first + timedelta(weeks=week) for week in range(_WEEKS))


def _alarm(project: Project, data: Path, today: datetime) -> Monitored:
    """What monitoring said at the end of those weeks, when no outcome was known."""
    from riskloop.data.source import Source
    from riskloop.loop.workflows.monitor import monitor_ledger
    from riskloop.loop.workflows.score import score

    first, *_ = days = list(_days(today))
    for number, at in enumerate(days, start=1):
        then = replace(project, clock=partial(_stopped, at))
        score(then, Source(str(data / "batches" / f"week{number}.csv")), data / "list.csv", reasons=False)
        then.engine.dispose()
    return monitor_ledger(project, first, until=days[-1] + timedelta(days=1))


def _stopped(at: datetime) -> datetime:
    """A clock that stands at a moment."""
    return at


def _tell_alarm(reporter: Reporter, watched: Monitored) -> None:
    from riskloop.report.documents.moved import headline
    from riskloop.report.documents.pen import Pen

    told = headline(watched.drift, Pen("en", watched.currency))
    reporter.say(f"  {watched.drift.rows:,} customers on the lists of {_WEEKS} weeks. Monitoring said then:")
    reporter.say(f"  [bold red]{watched.drift.verdict}[/] {verbatim(told)}")


def _outcomes(project: Project, data: Path) -> Iterator[int]:
    from riskloop.data.source import Source
    from riskloop.loop.workflows.outcomes import record_outcomes

    for number in range(1, _WEEKS + 1):
        yield record_outcomes(project, Source(str(data / "batches" / f"week{number}.outcomes.csv"))).accepted


def _in_money(reporter: Reporter, done: Retrained) -> None:
    """What the old and the new champion cost on the newest customers."""
    if done.training is None or done.record is None:
        return
    rows = {row.name: row for row in done.training.policies}
    names = {"act_on_all": "call everyone", "champion": "the old champion", "chosen": "the new version"}
    reporter.table(
        f"In money: EUR per 1,000 customers, on the {done.record.data['held']:,} newest, whom neither has learnt from",
        ("decision", "calls", "cost", "95 % interval"),
        [
            (
                words,
                f"{rows[name].act_rate:.0%}",
                f"{rows[name].cost_per_thousand.value:,.0f}",
                f"{rows[name].cost_per_thousand.low:,.0f} to {rows[name].cost_per_thousand.high:,.0f}",
            )
            for name, words in names.items()
            if name in rows
        ],
    )


def in_plain_values(done: Retrained) -> dict[str, Any]:
    """For the demo's document: what came of it, and the costs."""
    policies = {} if done.training is None else {row.name: row.to_dict() for row in done.training.policies}
    return done.to_dict() | {"policies": policies}
