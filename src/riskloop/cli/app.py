"""The command line: translate arguments, call a use case, print, set the exit code."""

from __future__ import annotations

import os
import sys
from typing import Annotated

import typer

from riskloop.cli import (
    access,
    alerting,
    comparing,
    explaining,
    learning,
    looping,
    operating,
    performing,
    preparing,
    releasing,
    reporting,
    safekeeping,
    standing,
    watching,
)
from riskloop.cli.failures import Bug, Interrupted, in_our_words
from riskloop.cli.options import JsonOption
from riskloop.cli.show import Reporter
from riskloop.errors import UsageError

app = typer.Typer(
    name="riskloop",
    help="From a customer table to governed, cost-optimal, monitored decisions.",
    epilog="Start: riskloop init --data customers.csv --target churned && riskloop train --promote && riskloop serve",
    no_args_is_help=False,
    invoke_without_command=True,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)
_ROOMS = (
    preparing,
    learning,
    explaining,
    reporting,
    releasing,
    comparing,
    operating,
    watching,
    performing,
    alerting,
    looping,
    access,
    safekeeping,
)
for room in _ROOMS:
    room.register(app)


@app.callback()
def _root(
    context: typer.Context,
    version: Annotated[bool, typer.Option("--version", help="Print the version.")] = False,
    as_json: JsonOption = False,
) -> None:
    if version:
        from riskloop import __version__

        typer.echo(f"riskloop {__version__}")
        raise typer.Exit
    if context.invoked_subcommand is None:
        standing.here(Reporter(as_json))
    elif as_json:
        raise UsageError(
            "--json belongs to a verb.", where="--json", next_step=f"riskloop {context.invoked_subcommand} ... --json"
        )


def main(arguments: list[str] | None = None) -> int:
    """Run the command line; returns the exit code: 0 ok, 1 error, 2 usage, 3 a gate said no, 130 interrupted."""
    arguments = sys.argv[1:] if arguments is None else arguments
    try:
        return _invoke(arguments)
    except (Exception, KeyboardInterrupt) as error:
        failure = in_our_words(error)
        if isinstance(failure, Bug) and os.environ.get("RISKLOOP_DEBUG"):
            raise
        Reporter("--json" in arguments).error(failure)
        return failure.exit_code


def _invoke(arguments: list[str]) -> int:
    code: int = app(args=arguments, prog_name="riskloop", standalone_mode=False) or 0
    if code == Interrupted.exit_code:
        raise KeyboardInterrupt  # typer has turned it into its exit code
    return code


def run() -> None:
    """Entry point of the ``riskloop`` script."""
    sys.exit(main())
