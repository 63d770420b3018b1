"""Who may call the service: API keys, of which only hashes are kept, and the log of privileged calls."""

from __future__ import annotations

import hashlib
import re
import secrets
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Literal, get_args

from sqlalchemy import Engine, insert, select, update

from riskloop.errors import Conflict, NotFound, UsageError
from riskloop.keep.database import reading, serialised, writing
from riskloop.keep.tables import api_keys, calls

Role = Literal["viewer", "scorer", "approver", "admin"]
ROLES: tuple[Role, ...] = get_args(Role)
"""Each may do what those before it may."""
PREFIX = "rk_"

_NAME = re.compile(r"[^\x00-\x1f\x7f-\x9f]{1,100}")


def may(role: Role, needed: Role) -> bool:
    """Whether a role suffices where another is needed."""
    return ROLES.index(role) >= ROLES.index(needed)


def hash_of(token: str) -> str:
    """What is kept of a token. It has 256 random bits: a slow hash would add nothing."""
    return hashlib.sha256(token.encode()).hexdigest()


@dataclass(frozen=True, slots=True)
class ApiKey:
    """A key, without the secret that only its holder has.

    Attributes
    ----------
    key_id : str
        First characters of the hash.
    name : str
        Who holds it: the actor of what is done with it.
    role : {"viewer", "scorer", "approver", "admin"}
    created_at, revoked_at : datetime or None
    """

    key_id: str
    name: str
    role: Role
    created_at: datetime
    revoked_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Call:
    """One privileged call, whatever became of it."""

    at: datetime
    actor: str
    key_id: str | None
    method: str
    path: str
    status: int
    request_id: str | None = None
    address: str | None = None


class Access:
    """API keys and privileged calls, in SQL. Safe to share between threads and processes.

    Parameters
    ----------
    engine : Engine
        From :func:`riskloop.keep.database.open_database`, migrated.

    Notes
    -----
    Every method raises Unavailable when the database is away.
    """

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def add(self, name: str, role: Role, at: datetime) -> tuple[ApiKey, str]:
        """Make a key.

        Returns
        -------
        key : ApiKey
        token : str
            The secret; it is nowhere else, and cannot be shown again.

        Raises
        ------
        UsageError
            If the name or the role makes no sense.
        Conflict
            If a key of that name is in force.
        """
        if not _NAME.fullmatch(name) or name != name.strip():
            raise UsageError("A key needs a name of 1 to 100 characters.", where="keys", next_step="name its holder")
        if role not in ROLES:
            raise UsageError(f"There is no role {role!r}.", where="keys", next_step=f"choose of {', '.join(ROLES)}")
        token = PREFIX + secrets.token_urlsafe(32)
        hashed = hash_of(token)
        key = ApiKey(hashed[:12], name, role, at)
        in_force = select(api_keys.c.key_id).where(api_keys.c.name == name, api_keys.c.revoked_at.is_(None))
        with serialised(self._engine) as connection:
            if connection.execute(in_force).first():
                raise Conflict(
                    f"There is a key of {name!r} already.", where="keys", next_step="revoke it first, or choose a name"
                )
            connection.execute(insert(api_keys), asdict(key) | {"hash": hashed})
        return key, token

    def revoke(self, name: str, at: datetime) -> ApiKey:
        """Take a key out of force; services follow within a second.

        Raises
        ------
        NotFound
            If no key of that name is in force.
        """
        with serialised(self._engine) as connection:
            row = connection.execute(
                select(*_KEY).where(api_keys.c.name == name, api_keys.c.revoked_at.is_(None))
            ).first()
            if row is None:
                raise NotFound(f"No key of {name!r} is in force.", where="keys", next_step="see `riskloop keys list`")
            connection.execute(update(api_keys).where(api_keys.c.key_id == row.key_id).values(revoked_at=at))
        return ApiKey(**(row._asdict() | {"revoked_at": at}))

    def list(self) -> tuple[ApiKey, ...]:
        """All keys that ever were, the oldest first."""
        with reading(self._engine) as connection:
            query = select(*_KEY).order_by(api_keys.c.created_at, api_keys.c.key_id)
            return tuple(ApiKey(**row._asdict()) for row in connection.execute(query))

    def in_force(self) -> Mapping[str, ApiKey]:
        """The keys in force, by the hash of their token."""
        with reading(self._engine) as connection:
            query = select(api_keys.c.hash, *_KEY).where(api_keys.c.revoked_at.is_(None))
            rows = [row._asdict() for row in connection.execute(query)]
        return {row.pop("hash"): ApiKey(**row) for row in rows}

    def record(self, call: Call) -> None:
        """Add a privileged call to the log."""
        with writing(self._engine) as connection:
            connection.execute(insert(calls), asdict(call))

    def calls(self, limit: int = 100) -> tuple[Call, ...]:
        """The last privileged calls, the newest first."""
        with reading(self._engine) as connection:
            query = select(*_CALL).order_by(calls.c.seq.desc()).limit(limit)
            return tuple(Call(**row._asdict()) for row in connection.execute(query))


_KEY = [column for column in api_keys.c if column.name != "hash"]
_CALL = [column for column in calls.c if column.name != "seq"]
