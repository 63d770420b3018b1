from __future__ import annotations

import resource
import subprocess
import sys
from pathlib import Path

import pytest
from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Engine, inspect, make_url, text

from riskloop.errors import ConfigError, MissingExtra, Unavailable
from riskloop.keep import database
from riskloop.keep.database import (
    HEAD,
    REVISION_TABLE,
    migrate,
    migration_sql,
    open_database,
    reading,
    schema_revision,
    serialised,
    try_to_write,
    writing,
)
from riskloop.keep.tables import metadata
from riskloop.keep.versions import Versions
from tests.conftest import run_sql

SQLITE = pytest.mark.parametrize("url", ["sqlite"], indirect=True)


def test_a_new_database_is_private_to_its_owner(tmp_path: Path) -> None:
    path = tmp_path / "state" / "riskloop.db"
    engine = open_database(f"sqlite:///{path}")
    with reading(engine):
        modes = {file.name: file.stat().st_mode & 0o777 for file in path.parent.iterdir()}
    engine.dispose()
    assert modes
    assert set(modes.values()) == {0o600}


def test_opening_a_file_again_lets_go_of_no_lock_on_it(tmp_path: Path) -> None:
    path = tmp_path / "riskloop.db"
    first = open_database(f"sqlite:///{path}")
    with first.connect() as connection:
        connection.exec_driver_sql("CREATE TABLE said (word TEXT)")
        connection.commit()
        second = open_database(f"sqlite:///{path}")
        # another process that comes and goes: as the last one it would delete the log under the first connection
        other = "import sqlite3, sys; c = sqlite3.connect(sys.argv[1]); c.execute('SELECT 1 FROM said'); c.close()"
        subprocess.run([sys.executable, "-c", other, str(path)], check=True, timeout=30)
        assert path.with_name("riskloop.db-wal").exists()
    first.dispose()
    second.dispose()


@SQLITE
def test_sqlite_is_set_for_many_readers_and_a_patient_writer(engine: Engine) -> None:
    with reading(engine) as connection:
        settings = {
            name: connection.scalar(text(f"PRAGMA {name}"))
            for name in ("journal_mode", "busy_timeout", "synchronous", "foreign_keys")
        }
    assert settings == {"journal_mode": "wal", "busy_timeout": 10_000, "synchronous": 1, "foreign_keys": 1}


@SQLITE
def test_full_synchronous_is_a_parameter(url: str) -> None:
    engine = open_database(url, synchronous="FULL")
    with reading(engine) as connection:
        assert connection.scalar(text("PRAGMA synchronous")) == 2
    engine.dispose()


@SQLITE
def test_a_write_transaction_holds_the_lock_before_its_first_statement(engine: Engine) -> None:
    with writing(engine), engine.connect() as other:
        other.execution_options(sqlite_begin=None)
        other.exec_driver_sql("PRAGMA busy_timeout = 1")
        with pytest.raises(Exception, match="locked"):
            other.exec_driver_sql("BEGIN IMMEDIATE")


def test_a_failed_transaction_leaves_nothing(engine: Engine) -> None:
    def fail() -> None:
        with writing(engine) as connection:
            connection.execute(text("INSERT INTO customer_loads VALUES (1, 'x', false)"))
            raise RuntimeError

    with pytest.raises(RuntimeError):
        fail()
    with reading(engine) as connection:
        assert connection.scalar(text("SELECT count(*) FROM customer_loads")) == 0


@SQLITE
def test_migrating_brings_an_empty_database_to_head_and_again_changes_nothing(url: str) -> None:
    engine = open_database(url)
    assert schema_revision(engine) is None
    migrate(engine)
    migrate(engine)
    assert schema_revision(engine) == HEAD
    engine.dispose()


def test_every_revision_can_be_taken_back_and_made_again(engine: Engine) -> None:
    config = database._alembic_config()
    with serialised(engine) as connection:
        config.attributes["connection"] = connection
        command.downgrade(config, "base")
        assert set(inspect(connection).get_table_names()) <= {REVISION_TABLE}
    migrate(engine)
    with reading(engine) as connection:
        context = MigrationContext.configure(connection, opts={"version_table": REVISION_TABLE})
        assert compare_metadata(context, metadata) == []


def test_processes_that_migrate_an_empty_postgresql_at_once_all_succeed(postgres: str) -> None:
    address = make_url(postgres).set(database="empty")
    run_sql(address, "CREATE DATABASE empty")
    url = address.render_as_string(hide_password=False)
    script = "import sys; from riskloop.keep.database import *; import alembic.command; sys.stdin.read(1);"
    script += "migrate(open_database(sys.argv[1]))"
    started = [sys.executable, "-c", script, url]
    processes = [subprocess.Popen(started, stdin=subprocess.PIPE, stderr=subprocess.PIPE) for _ in range(3)]
    answers = [process.communicate(b"g") for process in processes]
    run_sql(address, "DROP DATABASE empty WITH (FORCE)")
    assert [process.returncode for process in processes] == [0, 0, 0], answers


def test_what_postgresql_says_of_a_server_that_is_away_names_no_password(tmp_path: Path) -> None:
    engine = open_database(f"postgresql+psycopg://risk:hunter2@/name?host={tmp_path}")
    with pytest.raises(Unavailable, match="runs") as refusal:
        schema_revision(engine)
    assert "hunter2" not in str(refusal.value)


def test_a_postgresql_without_its_tables_is_unavailable(postgres: str) -> None:
    engine = open_database(make_url(postgres).set(database="postgres").render_as_string(hide_password=False))
    with pytest.raises(Unavailable, match="initialised"):
        Versions(engine).list()
    engine.dispose()


def test_head_is_the_newest_revision_on_disk() -> None:
    assert ScriptDirectory.from_config(database._alembic_config()).get_current_head() == HEAD


def test_the_migrations_make_the_tables_that_the_code_declares(engine: Engine) -> None:
    with reading(engine) as connection:
        context = MigrationContext.configure(connection, opts={"version_table": REVISION_TABLE})
        assert compare_metadata(context, metadata) == []


def test_a_store_at_head_never_imports_alembic(url: str, engine: Engine) -> None:
    script = (
        "import sys; from riskloop.keep.database import *; import riskloop.keep.promotions, riskloop.keep.writer;"
        "migrate(open_database(sys.argv[1]));"
        "print([m for m in ('alembic', 'pandas', 'polars', 'sklearn', 'mlflow') if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", script, url], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


@SQLITE
def test_processes_that_migrate_at_once_all_succeed(url: str) -> None:
    script = "import sys; from riskloop.keep.database import *; import alembic.command; sys.stdin.read(1);"
    script += "migrate(open_database(sys.argv[1]))"
    started = [sys.executable, "-c", script, url]
    processes = [subprocess.Popen(started, stdin=subprocess.PIPE, stderr=subprocess.PIPE) for _ in range(2)]
    answers = [process.communicate(b"g") for process in processes]
    assert [process.returncode for process in processes] == [0, 0], answers
    engine = open_database(url)
    assert schema_revision(engine) == HEAD
    engine.dispose()


def test_a_database_of_a_newer_riskloop_is_refused(engine: Engine) -> None:
    with writing(engine) as connection:
        connection.execute(text(f"UPDATE {REVISION_TABLE} SET version_num = '9999'"))
    with pytest.raises(Unavailable, match="newer riskloop"):
        migrate(engine)


def test_a_file_that_is_no_database_is_unavailable_and_says_which(tmp_path: Path) -> None:
    path = tmp_path / "riskloop.db"
    path.write_text("not a database, but long enough to have a header that SQLite can look at " * 20)
    with pytest.raises(Unavailable, match="damaged") as refusal:
        schema_revision(open_database(f"sqlite:///{path}"))
    assert str(path) in str(refusal.value.where)


@SQLITE
def test_a_read_only_database_is_unavailable_to_writers(engine: Engine, tmp_path: Path) -> None:
    engine.dispose()
    readonly = open_database(f"sqlite:///file:{tmp_path / 'riskloop.db'}?mode=ro&uri=true")
    with pytest.raises(Unavailable, match="write access"), writing(readonly) as connection:
        connection.execute(text("INSERT INTO customer_loads VALUES (1, 'x', 0)"))
    readonly.dispose()


@SQLITE
def test_a_store_without_its_tables_is_unavailable(url: str) -> None:
    engine = open_database(url)
    with pytest.raises(Unavailable, match="initialised"):
        Versions(engine).list()
    engine.dispose()


def test_a_folder_in_place_of_the_file_is_unavailable(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(Unavailable):
        open_database(f"sqlite:///{tmp_path / 'file' / 'riskloop.db'}")


def test_what_is_no_url_is_a_configuration_error() -> None:
    with pytest.raises(ConfigError, match="postgresql"):
        open_database("riskloop.db")


def test_an_unknown_driver_says_what_to_install() -> None:
    with pytest.raises(MissingExtra, match="psycopg"):
        open_database("postgresql+nosuchdriver://host/name")


def test_the_password_never_shows_in_an_error(tmp_path: Path) -> None:
    engine = open_database(f"sqlite:///{tmp_path / 'riskloop.db'}")
    engine.url = engine.url.set(password="hunter2", username="risk", host="h")
    with pytest.raises(Unavailable) as refusal:
        Versions(engine).list()
    engine.dispose()
    assert "hunter2" not in str(refusal.value)


def test_the_same_revision_is_written_for_postgresql() -> None:
    script = migration_sql("postgresql")
    assert "BEFORE UPDATE OR DELETE ON promotions" in script
    assert "BEFORE TRUNCATE ON promotions" in script
    assert "BIGSERIAL" in script
    assert "WHERE idempotency_key IS NOT NULL" in script


@SQLITE
def test_a_store_that_takes_no_writes_is_found_out(engine: Engine, tmp_path: Path) -> None:
    try_to_write(engine)
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, ((tmp_path / "riskloop.db-wal").stat().st_size, hard))
    try:
        with pytest.raises(Unavailable):
            try_to_write(engine)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    try_to_write(engine)
