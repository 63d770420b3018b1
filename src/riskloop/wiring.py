"""The one composition: from a folder and the environment to a Project."""

from __future__ import annotations

import getpass
import os
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from riskloop.errors import UsageError
from riskloop.keep.artifacts import VARIABLE
from riskloop.loop.project import Locations, Project
from riskloop.settings import load_settings

if TYPE_CHECKING:
    from riskloop.engines.engine import Engine
    from riskloop.serve.api import Services
    from riskloop.serve.config import ServeConfig
    from riskloop.serve.pages import Pages

_WORK = ("riskloop.wiring", "riskloop.loop.workflows.score_partitions")
"""What workers need first, whatever the work."""


def open_project(
    folder: Path | str = ".",
    environ: Mapping[str, str] = os.environ,
    clock: Callable[[], datetime] = lambda: datetime.now(UTC),
) -> Project:
    """Read riskloop.yaml and open the project.

    Parameters
    ----------
    folder : Path or str
        That of riskloop.yaml.
    environ : mapping of str to str
        Where ``RISKLOOP_...`` variables are looked up.
    clock : callable
        Gives the present time, timezone-aware.

    Raises
    ------
    ConfigError
        If there is no riskloop.yaml, or it does not say what it must.
    """
    folder = Path(folder)
    settings = load_settings(folder, environ)
    return Project(folder, settings, locations(folder, environ), clock, actor(environ))


def locations(folder: Path, environ: Mapping[str, str]) -> Locations:
    """State in ``.riskloop`` unless URLs say otherwise."""
    state = (folder / ".riskloop").resolve()
    return Locations(
        state=state,
        database_url=environ.get("RISKLOOP_DATABASE_URL") or f"sqlite:///{state / 'riskloop.db'}",
        artifacts_url=environ.get(VARIABLE) or None,
        tracking_uri=environ.get("MLFLOW_TRACKING_URI") or f"sqlite:///{state / 'mlflow.db'}",
    )


def actor(environ: Mapping[str, str]) -> str:
    """Who is at work: ``RISKLOOP_ACTOR``, else the login name."""
    named = environ.get("RISKLOOP_ACTOR")
    if named:
        return named
    try:
        return getpass.getuser()
    except (KeyError, OSError):
        return "unknown"


@contextmanager
def open_engine(
    name: Literal["local", "dask"], workers: int | None = None, environ: Mapping[str, str] = os.environ
) -> Iterator[Engine]:
    """What goes over partitions, for as long as the block lasts: see `riskloop.engines`.

    Parameters
    ----------
    workers : int, optional
        Processes of this machine, where ``RISKLOOP_DASK_ADDRESS`` names no cluster.

    Raises
    ------
    MissingExtra
        If Dask is asked for and not installed.
    ConfigError, Unavailable
        If there is no cluster at the address.
    UsageError
        If processes are asked for, and a cluster is named.
    """
    if name == "local":
        from riskloop.engines.engine import Local

        yield Local()
        return
    from riskloop.engines import dask

    address = environ.get(dask.ADDRESS) or None
    if address and workers:
        raise UsageError(
            "The cluster has the workers that it has.", where="--workers", next_step=f"leave it out, or {dask.ADDRESS}"
        )
    unencrypted = environ.get(dask.UNENCRYPTED) == "1"
    with dask.open_dask(address, workers, unencrypted=unencrypted, ready=_WORK) as engine:
        yield engine


def cluster_check(environ: Mapping[str, str] = os.environ) -> Callable[[Project], str] | None:
    """What looks at the Dask cluster that the environment names; None where it names none."""
    from riskloop.engines import dask

    if not environ.get(dask.ADDRESS):
        return None

    def look(project: Project) -> str:
        from riskloop.engines.dask_checking import check_cluster
        from riskloop.loop.record import libraries

        with open_engine("dask", environ=environ) as engine:
            return check_cluster(engine, project.folder, libraries())  # type: ignore[arg-type]

    return look


def serve_project(
    folder: Path | str = ".",
    *,
    host: str | None = None,
    port: int | None = None,
    workers: int = 1,
    on_ready: Callable[[str], None] | None = None,
    environ: Mapping[str, str] = os.environ,
) -> None:
    """Serve a project's champion until SIGTERM; imports nothing that trains.

    Parameters
    ----------
    on_ready : callable, optional
        Called with the URL once requests are taken.

    Raises
    ------
    UsageError
        If the address is not loopback or is taken.
    """
    from riskloop.serve.server import run

    project = open_project(folder, environ)
    config = serve_config(project, host=host, port=port, workers=workers)
    project.engine.dispose()  # opened once here, so that its tables exist before any worker starts
    run(config, on_ready, site=_site)


def _site(services: Services) -> Pages:
    from riskloop.web.site import Site  # when somebody asks for a page

    return Site(services)


def serve_config(
    project: Project, *, host: str | None = None, port: int | None = None, workers: int = 1
) -> ServeConfig:
    """What the service of a project needs to know; host and port are those of the settings unless named."""
    from riskloop.serve.config import ServeConfig

    serving = project.settings.serving
    return ServeConfig(
        project=project.name,
        database_url=project.locations.database_url,
        bundles=project.locations.bundles,
        artifacts_url=project.locations.artifacts_url,
        keys=project.locations.keys,
        host=host or serving.host,
        port=serving.port if port is None else port,
        workers=workers,
        four_eyes=project.settings.gate.four_eyes,
        guarded=bool(project.access.in_force()),
        requests_per_second=serving.requests_per_second,
        durability=serving.durability,
        spool=project.locations.state / "spool" if serving.when_away == "spool" else None,
        reasons=serving.reasons,
        log=serving.log,
        log_requests=serving.log_requests,
        max_connections=serving.max_connections,
        max_upload_bytes=serving.max_upload_mb * 1024**2,
        exploration=serving.exploration,
        exploration_salt=serving.exploration_salt,
        folder=project.folder.resolve(),
    )
