"""What is wrong with a cluster, before work fails on it."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from importlib.metadata import version
from pathlib import Path
from typing import Any

from riskloop import __version__
from riskloop.engines.dask import ADDRESS, Dask
from riskloop.errors import Conflict, Unavailable

_WIRE = ("python", "dask", "distributed", "cloudpickle", "msgpack")
"""What both ends of a connection must have in the same version."""


def check_cluster(engine: Dask, folder: Path, libraries: Mapping[str, str]) -> str:
    """How many workers are there, if all of them can do the work.

    Parameters
    ----------
    folder : Path
        Of the project.
    libraries : mapping of name to version
        Whose arithmetic is in a bundle.

    Raises
    ------
    Conflict
        If versions differ from those here.
    Unavailable
        If a worker has no riskloop, or does not see the project's folder.
    """
    _wire(engine.client)
    _agree(engine.client, _release, {"riskloop": __version__})
    _agree(engine.client, version, {name: found for name, found in libraries.items() if name != "riskloop"})
    path = folder.resolve() / "riskloop.yaml"
    for worker, seen in engine.client.run(os.path.isfile, str(path)).items():
        if not seen:
            raise Unavailable(
                "A worker does not see the project's folder.",
                where=f"{worker}: {path}",
                next_step="mount it on all workers under this path",
            )
    return f"{len(engine.client.nthreads())} workers, {engine.size} threads, riskloop {__version__}"


def _release(_: str) -> str:
    from riskloop import __version__ as found

    return found


def _wire(client: Any) -> None:
    told = client.get_versions()
    here = told["client"]["packages"]
    for where, one in (("the scheduler", told["scheduler"]), *told["workers"].items()):
        for name in _WIRE:
            if (found := one["packages"].get(name)) != here.get(name):
                raise Conflict(
                    f"{name} is {found} on {where}, and {here.get(name)} here.",
                    where=ADDRESS,
                    next_step=f"install the same {name} on both sides",
                )


def _agree(client: Any, ask: Callable[[str], str], wanted: Mapping[str, str]) -> None:
    for name, mine in wanted.items():
        try:
            told = client.run(ask, name, on_error="return")
        except Exception as error:  # what is sent by its name cannot even be read there
            raise _lacking(name, "a worker", error) from error
        for worker, found in told.items():
            if isinstance(found, Exception):
                raise _lacking(name, worker, found) from found
            if found != mine:
                raise Conflict(
                    f"{name} is {found} on {worker}, and {mine} here.",
                    where=ADDRESS,
                    next_step=f"install the same {name} on all workers",
                )


def _lacking(name: str, worker: str, error: Exception) -> Unavailable:
    return Unavailable(
        f"{name} cannot be imported on {worker}: {error}.",
        where=ADDRESS,
        next_step="install riskloop and its requirements on all workers: pip install 'riskloop[train,dask]'",
    )
