"""Verbs of safekeeping: backup and restore."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from riskloop.cli.options import HERE, JsonOption, ProjectOption
from riskloop.cli.show import Reporter, verbatim


def register(app: typer.Typer) -> None:
    """Add the verbs to the command line."""
    app.command("backup", epilog="Example: riskloop backup ../churn-2026-11-26.tar.gz")(backup)
    app.command("restore", epilog="Example: riskloop restore churn-2026-11-26.tar.gz --project churn")(restore)


def backup(
    out: Annotated[Path, typer.Argument(help="The file to write: .tar.gz.")],
    keys: Annotated[bool, typer.Option("--keys/--no-keys", help="Whether the signing key goes with it.")] = True,
    project: ProjectOption = HERE,
    as_json: JsonOption = False,
) -> None:
    """Save the whole state: settings, versions, bundles, ledger, promotion log. The service may go on meanwhile.

    It holds customers' data and, unless told otherwise, the signing key.
    """
    from riskloop.loop.workflows.safekeeping import backup
    from riskloop.wiring import open_project

    made = backup(open_project(project), out, keys=keys)
    reporter = Reporter(as_json)
    reporter.data(made)
    reporter.say(
        f"{sum(made.rows.values()):,} rows and {made.files:,} files are saved in {verbatim(made.path)} "
        f"({made.size / 1e6:,.1f} MB)."
    )
    for one in made.left_out:
        reporter.say(f"[dim]Not in it: {verbatim(one)}[/]")


def restore(
    path: Annotated[Path, typer.Argument(help="What `riskloop backup` wrote.")],
    project: ProjectOption = HERE,
    as_json: JsonOption = False,
) -> None:
    """Make a project of a backup, in a folder without one and a database that is empty.

    RISKLOOP_DATABASE_URL may name another database than the one that was saved: from SQLite to PostgreSQL, and back.
    """
    from riskloop.loop.workflows.safekeeping import restore
    from riskloop.wiring import open_project

    made = restore(path, project, open_project)
    reporter = Reporter(as_json)
    reporter.data(made)
    reporter.say(
        f"{sum(made.rows.values()):,} rows and {made.files:,} files of {made.made_at:%Y-%m-%d %H:%M} are back."
    )
    reporter.say("Hashes, promotion log and the champion's signature hold. Next: [bold]riskloop doctor[/]")
