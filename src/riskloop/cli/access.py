"""The verb keys: who may call the service."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated

import typer

from riskloop.cli.options import HERE, JsonOption, ProjectOption
from riskloop.cli.show import Reporter, verbatim


class RoleName(StrEnum):
    """Each may do what those before it may."""

    viewer = "viewer"
    scorer = "scorer"
    approver = "approver"
    admin = "admin"


def register(app: typer.Typer) -> None:
    """Add the verb to the command line."""
    keys = typer.Typer(help="API keys of the service: as soon as there is one, every call needs one.")
    keys.command("add", epilog="Example: riskloop keys add crm --role scorer")(add)
    keys.command("list", epilog="Example: riskloop keys list")(list_them)
    keys.command("revoke", epilog="Example: riskloop keys revoke crm")(revoke)
    keys.command("calls", epilog="Example: riskloop keys calls --limit 20")(calls)
    app.add_typer(keys, name="keys")


def add(
    name: Annotated[str, typer.Argument(help="Who holds it: the actor of what is done with it.")],
    role: Annotated[
        RoleName,
        typer.Option(help="viewer: read; scorer: also score and tell outcomes; approver: also promote, roll back."),
    ] = RoleName.scorer,
    project: ProjectOption = HERE,
    as_json: JsonOption = False,
) -> None:
    """Make a key. Its token is shown this once; only a hash of it is kept."""
    from riskloop.loop.workflows.keys import add_key
    from riskloop.wiring import open_project

    made = add_key(open_project(project), name, role.value)
    reporter = Reporter(as_json)
    reporter.data(made)
    reporter.say(f"{verbatim(made.token)}")
    reporter.say(f"[dim]Key {made.key.key_id} of {verbatim(name)}, {role.value}: send it as Authorization: Bearer[/]")


def list_them(project: ProjectOption = HERE, as_json: JsonOption = False) -> None:
    """List all keys that ever were."""
    from riskloop.loop.workflows.keys import list_keys
    from riskloop.wiring import open_project

    keys = list_keys(open_project(project))
    reporter = Reporter(as_json)
    reporter.data(keys)
    reporter.table(
        "API keys",
        ("key", "name", "role", "made", "revoked"),
        [
            (
                key.key_id,
                key.name,
                key.role,
                f"{key.created_at:%Y-%m-%d %H:%M}",
                f"{key.revoked_at:%Y-%m-%d %H:%M}" if key.revoked_at else "",
            )
            for key in keys
        ],
    )


def revoke(
    name: Annotated[str, typer.Argument(help="Whose key.")],
    project: ProjectOption = HERE,
    as_json: JsonOption = False,
) -> None:
    """Take a key out of force; services follow within a second."""
    from riskloop.loop.workflows.keys import revoke_key
    from riskloop.wiring import open_project

    key = revoke_key(open_project(project), name)
    reporter = Reporter(as_json)
    reporter.data(key)
    reporter.say(f"The key {key.key_id} of {verbatim(name)} is no longer in force.")


def calls(
    limit: Annotated[int, typer.Option(min=1, help="How many.")] = 50,
    project: ProjectOption = HERE,
    as_json: JsonOption = False,
) -> None:
    """List the last privileged calls over HTTP, refused ones too."""
    from riskloop.loop.workflows.keys import list_calls
    from riskloop.wiring import open_project

    found = list_calls(open_project(project), limit)
    reporter = Reporter(as_json)
    reporter.data(found)
    reporter.table(
        "Privileged calls",
        ("at", "actor", "call", "status", "from", "request"),
        [
            (
                f"{call.at:%Y-%m-%d %H:%M:%S}",
                call.actor,
                f"{call.method} {call.path}",
                call.status,
                call.address or "",
                call.request_id or "",
            )
            for call in found
        ],
    )
