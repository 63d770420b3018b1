"""What `riskloop` alone says: where you are, and what comes next."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from riskloop.cli.options import HERE
from riskloop.cli.show import Reporter, verbatim

if TYPE_CHECKING:
    from riskloop.loop.workflows.standing import Standing

_TABLES = (".csv", ".tsv", ".parquet", ".csv.gz")
_MOST_TABLES = 5


def here(reporter: Reporter) -> None:
    """Say it of this folder."""
    from riskloop.settings import FILE

    if not (HERE / FILE).is_file():
        _outside(reporter)
        return
    from riskloop.loop.workflows.standing import standing
    from riskloop.wiring import open_project

    found = standing(open_project(HERE))
    reporter.data(found)
    reporter.say(f"[bold]{found.project}[/]: {found.features} features, target {verbatim(found.target)}")
    for sentence in sentences(found):
        reporter.say(verbatim(sentence))
    first, *others = found.next_steps
    more = f"; then or instead {', '.join(f'[bold]{verbatim(one)}[/]' for one in others)}" if others else ""
    reporter.say(f"Next: [bold]{verbatim(first)}[/]{more}")


def sentences(found: Standing) -> list[str]:
    """What is the case, one thing a sentence."""
    told = []
    if found.newest is None and found.checked is None:
        told.append("Nothing is trained yet.")
    elif found.newest is None and found.checked is not None:
        verdict = "passed the quality gate" if found.checked.passed else "was refused by the quality gate"
        told.append(
            f"The training table {verdict}: {found.checked.kept:,} of {found.checked.rows:,} rows are good. "
            "Nothing is trained yet."
        )
    if found.champion is not None:
        told.append(f"Version {found.champion} leads.")
    if found.challenger is not None:
        told.append(f"Version {found.challenger} challenges it.")
    if found.waiting is not None and found.waiting != found.challenger and not found.requests:
        told.append(f"Version {found.waiting} waits: the gate accepted it, and nobody has let it lead.")
    elif found.newest_refused:
        told.append(f"The gate refused version {found.newest}, the newest.")
    if found.predictions:
        known = f"{found.outcomes:,} outcomes are known" if found.outcomes else "no outcome is known yet"
        told.append(f"{found.predictions:,} decisions are in the ledger; {known}.")
    if found.alerts:
        told.append(f"{found.alerts} alert{'s are' if found.alerts > 1 else ' is'} open.")
    told += [
        f"Request {one.seq} by {one.actor}, that version {one.version} should lead, awaits another person's approval."
        for one in found.requests
    ]
    return told


def _outside(reporter: Reporter) -> None:
    from riskloop.settings import STATE, project_above

    above = project_above(HERE)
    if above is not None:
        step = f"cd {above}"
        reporter.data({"state": "within", "project": str(above), "next_steps": [step]})
        reporter.say(f"This folder lies within a project, which begins at {verbatim(above)}.")
        reporter.say(f"Next: [bold]{verbatim(step)}[/], or add [bold]--project {verbatim(above)}[/] to a command")
        return
    tables = _tables(HERE)
    table, target = (tables[0], "COLUMN") if tables else ("customers.csv", "churned")
    step = f"riskloop init --data {table} --target {target}"
    reporter.data({"state": "nothing", "tables": tables, "next_steps": [step, "riskloop demo"]})
    reporter.say("[bold]riskloop[/]: from a customer table to governed, cost-optimal, monitored decisions.")
    if (HERE / STATE).is_dir():
        reporter.say(f"{STATE} holds the state of a project, but riskloop.yaml is gone: bring it back.")
    elif tables:
        reporter.say(f"There is no project here, but tables: {verbatim(', '.join(tables))}")
    else:
        reporter.say("There is no project here.")
    reporter.say(f"Next: [bold]{verbatim(step)}[/]")
    reporter.say("Or look around first: [bold]riskloop demo[/]; all verbs: [bold]riskloop --help[/]")


def _tables(folder: Path) -> list[str]:
    """A few files here that look like tables, as they are to be typed."""
    import shlex

    found = sorted(path.name for path in folder.iterdir() if path.name.lower().endswith(_TABLES) and path.is_file())
    return [shlex.quote(name) for name in found[:_MOST_TABLES]]
