"""`riskloop keys`: who may call the service, and which privileged calls there were."""

from __future__ import annotations

from dataclasses import dataclass

from riskloop.keep.access import ApiKey, Call, Role
from riskloop.loop.project import Project


@dataclass(frozen=True)
class Made:
    """A new key with its token, which is shown this once."""

    key: ApiKey
    token: str


def add_key(project: Project, name: str, role: Role) -> Made:
    """Make a key; see `riskloop.keep.access.Access.add`."""
    return Made(*project.access.add(name, role, project.clock()))


def revoke_key(project: Project, name: str) -> ApiKey:
    """Take a key out of force; see `riskloop.keep.access.Access.revoke`."""
    return project.access.revoke(name, project.clock())


def list_keys(project: Project) -> tuple[ApiKey, ...]:
    """All keys that ever were, the oldest first."""
    return project.access.list()


def list_calls(project: Project, limit: int) -> tuple[Call, ...]:
    """The last privileged calls over HTTP, the newest first."""
    return project.access.calls(limit)
