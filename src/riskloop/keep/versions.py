"""The versions of a model: what was trained, from what, and what the gate said."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from datetime import datetime
from typing import Any, Literal

from sqlalchemy import Connection, Engine, insert, select
from sqlalchemy.exc import IntegrityError

from riskloop.errors import Conflict, NotFound
from riskloop.keep.database import reading, writing
from riskloop.keep.tables import versions

Status = Literal["accepted", "refused"]


@dataclass(frozen=True, slots=True)
class Version:
    """One trained model.

    Attributes
    ----------
    version : int
        Its number, as the registry gave it.
    name : str
        The project it belongs to.
    digest : str
        The digest of its bundle.
    bundle : str
        Where the bundle lies: a path relative to the project's bundles, or a URL.
    status : {"accepted", "refused"}
        What the gate said.
    metrics, gate, summary : dict, list, dict
        Plain JSON values: metrics with their intervals, the gate's checks, what lists and pages show.
    data_fingerprint : str
        Of the table it learnt from.
    """

    version: int
    name: str
    digest: str
    bundle: str
    created_at: datetime
    status: Status
    run_id: str | None = None
    metrics: dict[str, Any] = field(default_factory=dict)
    gate: list[dict[str, Any]] = field(default_factory=list)
    data_fingerprint: str = ""
    summary: dict[str, Any] = field(default_factory=dict)


class Versions:
    """The table of versions.

    Parameters
    ----------
    engine : Engine
        From :func:`riskloop.keep.database.open_database`, migrated.
    """

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def add(self, version: Version) -> None:
        """Record a version.

        Raises
        ------
        Conflict
            If its number is taken.
        """
        try:
            with writing(self._engine) as connection:
                connection.execute(insert(versions), asdict(version))
        except IntegrityError as error:
            raise Conflict(
                f"Version {version.version} is already recorded.",
                where="versions",
                next_step="register the model again to get a new number",
            ) from error

    def get(self, version: int) -> Version:
        """The version of that number.

        Raises
        ------
        NotFound
            If there is none; the error names those there are.
        """
        with reading(self._engine) as connection:
            return find_version(connection, version)

    def list(self) -> tuple[Version, ...]:
        """All versions, the oldest first."""
        with reading(self._engine) as connection:
            return tuple(
                Version(**row) for row in connection.execute(select(versions).order_by(versions.c.version)).mappings()
            )

    def newest(self) -> Version | None:
        """The version with the highest number."""
        with reading(self._engine) as connection:
            row = connection.execute(select(versions).order_by(versions.c.version.desc()).limit(1)).mappings().first()
        return Version(**row) if row else None


def find_version(connection: Connection, version: int) -> Version:
    """The version of that number, within a transaction of the caller's.

    Raises
    ------
    NotFound
        If there is none; the error names those there are.
    """
    row = connection.execute(select(versions).where(versions.c.version == version)).mappings().first()
    if row:
        return Version(**row)
    known = list(connection.scalars(select(versions.c.version).order_by(versions.c.version)))
    raise NotFound(
        f"There is no version {version}.",
        where="versions",
        next_step=f"choose one of {', '.join(map(str, known))}" if known else "train one first: riskloop train",
        details={"known": known},
    )
