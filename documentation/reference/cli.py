"""The command line: every verb, every option, from the tree that typer makes of them."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import typer

from documentation.reference.writing import code, head, table
from documentation.reference.writing import page as whole
from riskloop.cli.app import app

EXIT_CODES = (
    ("0", "done"),
    ("1", "an error: what, where, and the next step are said"),
    ("2", "the command or a file of settings is malformed"),
    (
        "3",
        "a gate said no: the table breaks rules, the version is refused, something has drifted or fallen, an experiment has not decided",
    ),
    ("130", "interrupted (Ctrl-C); what was finished is kept, and the same command goes on"),
)
_SHARED = ("--project", "--json", "--help")


def page() -> str:
    """The reference of the command line."""
    root = typer.main.get_command(app)
    parts = [
        head(
            "Command line",
            "`riskloop VERB [OPTIONS]`. Every verb takes `--project DIR` (`-p`; this folder without it), `--json` (data on "
            "stdout as JSON, progress on stderr) and `--help`, where it has a project and data; they are not repeated below.",
        ),
        "## Exit codes",
        table(("code", "means"), EXIT_CODES),
        "## Before the verb",
        table(("option", "is"), [_row(parameter, _context(root, "riskloop")) for parameter in root.params]),
    ]
    for name, command in verbs(root):
        parts += _verb(name, command)
    return whole(*parts)


def verbs(root: Any, before: str = "") -> Iterator[tuple[str, Any]]:
    """Every verb by its words, in the order of ``riskloop --help``, groups before what is in them."""
    for name, command in root.commands.items():
        yield f"{before}{name}", command
        if hasattr(command, "commands"):
            yield from verbs(command, f"{before}{name} ")


def own(command: Any) -> list[Any]:
    """Parameters that not every verb has."""
    return [one for one in command.params if not set(one.opts) & set(_SHARED)]


def _verb(name: str, command: Any) -> Iterator[str]:
    context = _context(command, f"riskloop {name}")
    yield f"{'###' if ' ' in name else '##'} `{name}`"
    yield str(command.help)
    given = [one for one in own(command) if one.param_type_name == "argument"]
    yield table(("argument", "is"), [_row(one, context) for one in given])
    yield table(("option", "is"), [_row(one, context) for one in own(command) if one not in given])
    if command.epilog:
        yield f"Example: {code(command.epilog.removeprefix('Example: '))}"


def _row(parameter: Any, context: Any) -> tuple[str, str]:
    name, text = parameter.get_help_record(context)
    return code(name), text


def _context(command: Any, name: str) -> Any:
    return typer.Context(command, info_name=name)
