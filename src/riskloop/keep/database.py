"""The database: one engine from one URL, SQLite unless told otherwise, with its revisions.

What differs between SQLite and PostgreSQL lives here and in the migrations; every store above is plain SQL.
"""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from sqlalchemy import Connection, Engine, String, column, create_engine, event, func, inspect, make_url, select, table
from sqlalchemy import exc as sql_errors
from sqlalchemy.engine import URL

from riskloop.errors import ConfigError, MissingExtra, Unavailable

if TYPE_CHECKING:
    from alembic.config import Config

HEAD = "0010"
"""The newest revision in ``migrations/versions``: known here so that an up-to-date store never imports Alembic."""

# Its own name, because MLflow keeps an ``alembic_version`` in the database the two may share.
REVISION_TABLE = "riskloop_revision"

_REVISION = select(column("version_num", String)).select_from(table(REVISION_TABLE))
_MIGRATIONS = Path(__file__).parent / "migrations"
_ADVISORY_LOCK = 0x7269736B  # "risk"; PostgreSQL only
_AWAY = (
    sql_errors.OperationalError,
    sql_errors.InterfaceError,
    sql_errors.InternalError,
    sql_errors.TimeoutError,
)


def open_database(url: str, *, synchronous: Literal["NORMAL", "FULL"] = "NORMAL") -> Engine:
    """An engine for ``url``; connects on first use.

    Parameters
    ----------
    url : str
        ``sqlite:///path/riskloop.db`` or ``postgresql+psycopg://...``. A new SQLite file (and its folder) is made
        readable and writable by its owner only. In-memory SQLite is not shared between threads: use a file.
    synchronous : {"NORMAL", "FULL"}
        SQLite only. With ``NORMAL`` a commit survives the death of the process; with ``FULL`` also the loss of power,
        for one fsync per commit.

    Raises
    ------
    ConfigError
        If ``url`` is not a database URL.
    MissingExtra
        If the driver that ``url`` names is not installed.
    Unavailable
        If the SQLite file cannot be made.
    """
    address = _parse(url)
    if address.get_backend_name() != "sqlite":
        return _create(address, pool_pre_ping=True)
    _make_private_file(address)
    engine = _create(address, connect_args={"cached_statements": 256})
    _speak_sqlite(engine, synchronous)
    return engine


def _parse(url: str) -> URL:
    try:
        return make_url(url)
    except sql_errors.ArgumentError as error:
        raise ConfigError(
            "This is not a database URL.",
            where="RISKLOOP_DATABASE_URL",
            next_step="write it as sqlite:///.riskloop/riskloop.db or postgresql+psycopg://user@host/name",
        ) from error


def _create(address: URL, **options: Any) -> Engine:
    try:
        return create_engine(address, **options)
    except (ModuleNotFoundError, sql_errors.NoSuchModuleError) as error:
        raise MissingExtra(
            f"The driver for {address.drivername} is not installed.",
            where="RISKLOOP_DATABASE_URL",
            next_step="install it, for PostgreSQL: pip install 'psycopg[binary]'",
        ) from error


def _make_private_file(address: URL) -> None:
    """Make the file before SQLite does, which would leave it readable to everyone; -wal and -shm follow its mode.

    A file that is there is not opened: closing it would let go of every lock that this process has on it (POSIX), so
    that another process took itself for the last one and deleted the write-ahead log under those still at work.
    """
    if address.database in {None, "", ":memory:"} or "uri" in address.query:
        return
    path = Path(str(address.database))
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with suppress(FileExistsError):
            os.close(os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600))
    except OSError as error:
        raise Unavailable(
            f"The database file cannot be opened: {error.strerror}.",
            where=str(path),
            next_step="check that the folder exists and that you may write to it",
        ) from error


def _speak_sqlite(engine: Engine, synchronous: str) -> None:
    @event.listens_for(engine, "connect")
    def prepare(connection: Any, _record: Any) -> None:
        # The driver opens transactions late and only before writes; ours start where we say (event "begin" below).
        connection.isolation_level = None
        connection.execute("PRAGMA busy_timeout = 10000")
        connection.execute("PRAGMA journal_mode = WAL")
        connection.execute(f"PRAGMA synchronous = {synchronous}")
        # Fewer pauses at four times the default: every commit that moves the log into the file waits for the disk.
        connection.execute("PRAGMA wal_autocheckpoint = 4000")
        connection.execute("PRAGMA foreign_keys = ON")

    @event.listens_for(engine, "begin")
    def begin(connection: Connection) -> None:
        statement = connection.get_execution_options().get("sqlite_begin", "BEGIN")
        if statement:
            connection.exec_driver_sql(statement)


@contextmanager
def reading(engine: Engine) -> Iterator[Connection]:
    """A connection to read from.

    Raises
    ------
    Unavailable
        If the database is away, locked, corrupt or without its tables.
    """
    with unavailable_when_away(engine), engine.connect() as connection:
        yield connection


@contextmanager
def writing(engine: Engine) -> Iterator[Connection]:
    """One write transaction: committed at the end, rolled back on any error.

    On SQLite it takes the write lock at once (``BEGIN IMMEDIATE``), waiting up to 10 s: a transaction that reads
    first and asks for the lock later can be refused without waiting.

    Raises
    ------
    Unavailable
        If the database is away, locked, corrupt, read-only or without its tables.
    """
    with unavailable_when_away(engine), engine.connect() as connection:
        connection.execution_options(sqlite_begin="BEGIN IMMEDIATE")
        with connection.begin():
            yield connection


@contextmanager
def serialised(engine: Engine) -> Iterator[Connection]:
    """One write transaction that no other serialised one overlaps, on any database: read, check, then write."""
    with writing(engine) as connection:
        if connection.dialect.name == "postgresql":
            connection.execute(select(func.pg_advisory_xact_lock(_ADVISORY_LOCK)))
        yield connection


def try_to_write(engine: Engine) -> None:
    """Commit something that changes nothing: a transaction without a write succeeds on a full disk.

    Raises
    ------
    Unavailable
        If the database takes no writes.
    """
    with writing(engine) as connection:
        if connection.dialect.name == "sqlite":
            version = connection.exec_driver_sql("PRAGMA user_version").scalar()
            connection.exec_driver_sql(f"PRAGMA user_version = {int(version or 0)}")
        else:
            connection.execute(select(func.pg_current_xact_id()))


def give_way(engine: Engine) -> None:
    """Between two transactions of a bulk job: let other writers of a SQLite file have their turn.

    They poll for its one lock, at first every 25 ms or sooner; without a pause they would find it taken every time.
    """
    if engine.dialect.name == "sqlite":
        time.sleep(0.03)


@contextmanager
def erasing(engine: Engine) -> Iterator[Connection]:
    """One write transaction whose deletions leave no bytes behind in a SQLite file (as far as readers allow).

    On PostgreSQL the space is reused after VACUUM.
    """
    with writing(engine) as connection:
        if connection.dialect.name != "sqlite":
            yield connection
            return
        connection.exec_driver_sql("PRAGMA secure_delete = ON")
        try:
            yield connection
        finally:
            connection.exec_driver_sql("PRAGMA secure_delete = OFF")
    with unavailable_when_away(engine), engine.connect() as connection:
        connection.execution_options(sqlite_begin=None)  # no checkpoint within a transaction
        connection.exec_driver_sql("PRAGMA wal_checkpoint(TRUNCATE)")


_NOT_THERE = ("42P01", "42501", "25006", "3D000")
"""What PostgreSQL says of a table that is missing, of one it may not touch, of a read-only server, of no database."""


@contextmanager
def unavailable_when_away(engine: Engine) -> Iterator[None]:
    """Turn the driver's errors about the database itself into Unavailable; errors about rows pass."""
    try:
        yield
    except sql_errors.SQLAlchemyError as error:
        # A plain DatabaseError is how SQLite says "file is not a database".
        known = getattr(getattr(error, "orig", None), "sqlstate", None) in _NOT_THERE
        if isinstance(error, _AWAY) or known or type(error) is sql_errors.DatabaseError:
            raise unavailable(engine, error) from error
        raise


def unavailable(engine: Engine, error: Exception) -> Unavailable:
    """That a database does not answer, and what to do about it, from what its driver said."""
    cause = str(getattr(error, "orig", None) or error)
    return Unavailable(
        f"The database does not answer: {cause.splitlines()[0]}.",
        where=engine.url.render_as_string(hide_password=True),
        next_step=_next_step(cause),
    )


_WITHOUT_TABLES = "run riskloop doctor: the store has not been initialised or migrated"


def _next_step(cause: str) -> str:
    steps = {
        "no such table": _WITHOUT_TABLES,
        'relation "': _WITHOUT_TABLES,
        "permission denied": "let this user read and write the tables of riskloop",
        "locked": "another process holds the database; try again when it has finished",
        "readonly": "give this user write access to the file and its folder",
        "not a database": "restore the file from a backup: it is damaged or of another kind",
        "malformed": "restore the file from a backup: it is damaged",
        "disk": "free space on the disk that holds the database",
    }
    known = (step for sign, step in steps.items() if sign in cause)
    return next(known, "check that the database runs and that RISKLOOP_DATABASE_URL names it")


def schema_revision(engine: Engine) -> str | None:
    """The revision the database is at; None for one that has never been migrated."""
    with reading(engine) as connection:
        try:
            return connection.scalar(_REVISION)
        except (sql_errors.OperationalError, sql_errors.ProgrammingError):
            connection.rollback()
            if inspect(connection).has_table(REVISION_TABLE):
                raise
            return None


def migrate(engine: Engine) -> None:
    """Bring the database to revision ``HEAD``. Any number of processes may do so at once; one does the work.

    Raises
    ------
    Unavailable
        If the database is away, or was written by a newer riskloop.
    """
    if schema_revision(engine) == HEAD:
        return
    from alembic import command
    from alembic.util import CommandError

    with serialised(engine) as connection:
        config = _alembic_config()
        config.attributes["connection"] = connection
        try:
            command.upgrade(config, "head")
        except CommandError as error:
            raise Unavailable(
                f"The database cannot be brought to revision {HEAD}: {error}",
                where=engine.url.render_as_string(hide_password=True),
                next_step="it was written by a newer riskloop: install that version",
            ) from error


def migration_sql(dialect: str) -> str:
    """The SQL that :func:`migrate` would run on an empty database, for one who applies it by hand.

    Parameters
    ----------
    dialect : {"sqlite", "postgresql"}
    """
    from io import StringIO

    from alembic import command

    config = _alembic_config()
    config.output_buffer = script = StringIO()
    config.attributes["dialect"] = dialect
    command.upgrade(config, "head", sql=True)
    return script.getvalue()


def _alembic_config() -> Config:
    from alembic.config import Config

    config = Config()
    config.set_main_option("script_location", str(_MIGRATIONS).replace("%", "%%"))
    config.set_main_option("path_separator", "os")
    return config
