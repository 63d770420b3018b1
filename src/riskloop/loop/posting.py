"""A project where a worker is: this process, or one on another machine.

A worker is sent names, never a model and no secret: it opens the project's folder itself, takes addresses and
credentials from its own environment, and loads the bundle once, verified against the project's keys.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import lru_cache
from pathlib import Path

from riskloop import __version__
from riskloop.bundle.bundle import Bundle
from riskloop.bundle.load import load
from riskloop.errors import ConfigError, Conflict
from riskloop.keep.versions import Version
from riskloop.loop.project import Project

Reopen = Callable[[Path], Project]
"""Opens a project's folder; a function of a module, so that it can be sent by its name."""


@dataclass(frozen=True)
class Post:
    """What a worker is told about the project."""

    reopen: Reopen
    folder: Path
    record: Version
    settings: str
    release: str = __version__

    @classmethod
    def of(cls, project: Project, reopen: Reopen, record: Version) -> Post:
        """Of a version: without its figures, which no worker needs."""
        slim = replace(record, metrics={}, gate=[], summary={})
        return cls(reopen, project.folder.resolve(), slim, fingerprint(project))

    def open(self) -> tuple[Project, Bundle]:
        """The project and the bundle, opened once by each worker.

        Raises
        ------
        Conflict
            If this is another riskloop than the caller's.
        ConfigError
            If riskloop.yaml says something else here.
        BundleRefused
            If the bundle is not the version's, or is altered or signed by a stranger.
        """
        if self.release != __version__:
            raise Conflict(
                f"A worker has riskloop {__version__}, where the work is of {self.release}.",
                where="riskloop",
                next_step="install the same version on all workers",
            )
        return _opened(self.reopen, self.folder, self.record.bundle, self.record.digest, self.settings)


@lru_cache(maxsize=2)
def _opened(reopen: Reopen, folder: Path, bundle: str, digest: str, settings: str) -> tuple[Project, Bundle]:
    project = reopen(folder)
    if fingerprint(project) != settings:
        raise ConfigError(
            "A worker has other settings than those that this began with.",
            where=str(folder / "riskloop.yaml"),
            next_step="let all workers see the same folder, and the same RISKLOOP__ variables",
        )
    found = load(project.bundles.path(bundle), project.keys.trusted())
    if found.digest != digest:
        raise Conflict("A worker has another bundle under this name.", where=bundle, next_step="restore it")
    return project, found


def fingerprint(project: Project) -> str:
    """Of the settings, overrides included."""
    return hashlib.sha256(project.settings.model_dump_json().encode()).hexdigest()
