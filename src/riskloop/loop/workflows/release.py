"""`riskloop promote`, `rollback`: events in the promotion log, and the aliases that follow from them."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from typing import Any

from riskloop.errors import Unavailable
from riskloop.keep.chain import Promotion
from riskloop.loop.project import Project

_LOGGER = logging.getLogger(__name__)


def promote(
    project: Project,
    version: int,
    *,
    reason: str,
    override: bool = False,
    approver: str | None = None,
    details: Mapping[str, Any] | None = None,
) -> Promotion:
    """Let a version lead.

    The bundle is verified first. When the project asks for four eyes, this writes a request unless an approver who is
    not the requester is named.

    Parameters
    ----------
    version : int
    reason : str
        Why, for the log.
    override : bool
        Although the gate refused it.
    approver : str, optional
        Who agrees.
    details : mapping, optional
        Plain JSON values, for the log.

    Raises
    ------
    GateRefused
        If the gate refused the version and no override is given.
    NotFound, Conflict, BundleRefused
        If there is no such version, it leads already, or its bundle was altered.
    """
    record, bundle = project.bundle(version)
    event = project.promotions.promote(
        version,
        bundle.digest,
        actor=project.actor,
        reason=reason,
        approver=approver,
        at=project.clock(),
        override=override,
        details={"family": record.summary.get("family"), "gate": record.status, **(details or {})},
    )
    project_aliases(project)
    return event


def approve(project: Project, request: int, *, reason: str | None = None) -> Promotion:
    """Agree to a request (four eyes)."""
    event = project.promotions.approve(request, approver=project.actor, reason=reason, at=project.clock())
    project_aliases(project)
    return event


def rollback(project: Project, to: int | None = None, *, reason: str) -> Promotion:
    """Go back to the previous champion, or to a named one, after its bundle has answered its golden requests again.

    Parameters
    ----------
    to : int, optional
        The version to go back to.
    reason : str
        Why, for the log.

    Raises
    ------
    NotFound, GateRefused, Conflict, BundleRefused
        See `riskloop.keep.promotions.Promotions.rollback`.
    """
    state = project.promotions.state()
    target = to if to is not None else state.previous
    if target is not None:
        project.bundle(target)
    event = project.promotions.rollback(
        to, actor=project.actor, reason=reason, at=project.clock(), expected_head=state.head_seq
    )
    project_aliases(project)
    return event


def project_aliases(project: Project) -> bool:
    """Make MLflow's aliases follow the log; False, with a warning, when MLflow is away: the log stands all the same."""
    try:
        while True:
            state = project.promotions.state()
            project.registry.project_aliases(state)
            if project.promotions.head_seq() == state.head_seq:
                return True
    except (Unavailable, ModuleNotFoundError) as away:  # an installation that serves has no MLflow
        _LOGGER.warning("The aliases in MLflow lag behind the promotion log until `riskloop doctor` is run. %s", away)
        return False
