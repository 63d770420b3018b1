"""What linked features should be, by the words of docs/linked-tables.md, slowly and one row at a time; and that both
executors of a plan agree with it.
"""

from __future__ import annotations

import math
import subprocess
import sys
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any, NamedTuple

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from riskloop.data.linked.history import parity
from riskloop.data.linked.join import join
from riskloop.data.linked.online import linked_features
from riskloop.data.linked.plan import Feature, LinkedTable, Plan
from riskloop.data.source import Source
from riskloop.errors import Conflict
from riskloop.problem import Problem

DAY = timedelta(days=1)
LARGEST = 1e3
EVERYTHING = {
    "*": ["count", "recency"],
    "x": ["count", "sum", "mean", "min", "max", "last", "trend", "recency", "distinct", "share > 0", "share = 1.5"],
    "kind": ["count", "recency", "distinct", "share = a", "share != a"],
}


class Row(NamedTuple):
    id: str
    at: datetime
    x: float | None
    kind: str | None


def expected(rows: list[Row], event: datetime, feature: Feature) -> float | None:
    """What a feature should be, by the words of the documentation."""
    _, one, window = feature
    known = [row for row in rows if row.at < event]
    known = [row for row in known if window.days is None or row.at >= event - window.days * DAY]
    cells: list[tuple[datetime, Any]] = [
        (row.at, 1.0 if one.column == "*" else getattr(row, one.column)) for row in known
    ]
    cells = [(at, value) for at, value in cells if value is not None]
    values = [value for _, value in cells]
    if one.kind in ("count", "sum", "distinct"):
        return {"count": len(values), "distinct": len(set(values)), "sum": 0}[one.kind] or (
            math.fsum(values) if one.kind == "sum" else 0
        )
    if not cells:
        return None
    newest = max(at for at, _ in cells)
    wanted = 1.5 if one.value == "1.5" else 0 if one.value == "0" else one.value
    measures: dict[str, Callable[[], float | None]] = {
        "mean": lambda: math.fsum(values) / len(values),
        "min": lambda: min(values),
        "max": lambda: max(values),
        "last": lambda: max(value for at, value in cells if at == newest),
        "recency": lambda: (event - newest) / DAY,
        "trend": lambda: slope([((at - event) / DAY, value) for at, value in cells]),
        "share": lambda: (
            sum(
                {"=": value == wanted, "!=": value != wanted, ">": one.sign == ">" and value > wanted}[one.sign]
                for value in values
            )
            / len(values)
        ),
    }
    return measures[one.kind]()


def slope(points: list[tuple[float, float]]) -> float | None:
    middle = math.fsum(x for x, _ in points) / len(points)
    height = math.fsum(y for _, y in points) / len(points)
    if len({x for x, _ in points}) == 1:
        return None
    rise = math.fsum((x - middle) * (y - height) for x, y in points)
    return rise / math.fsum((x - middle) ** 2 for x, _ in points)


def alike(value: float | None, expected: float | None) -> bool:
    """Equal to 1e-9, relative to the size of the numbers that were added up."""
    if value is None or expected is None:
        return value is expected
    return abs(value - expected) <= 1e-9 * max(1.0, abs(expected), LARGEST)


START = datetime(2026, 1, 1)
moments = st.integers(0, 40).map(lambda half_days: START + half_days * DAY / 2)
values = st.none() | st.sampled_from([0.0, 1.5, -1.5]) | st.floats(-LARGEST, LARGEST)
kinds = st.none() | st.sampled_from(["a", "b", 'quote " and , comma', "é"])
some_row = st.builds(Row, st.sampled_from(["1", "2", "x"]), moments, values, kinds)
people = st.lists(st.tuples(st.sampled_from(["1", "2", "3"]), moments), min_size=1, max_size=6)


PLAN = Plan(
    (
        LinkedTable.from_dict(
            "rows", {"key": "id", "time": "at", "windows": ["3d", "10d", "all"], "features": EVERYTHING}
        ),
    )
)
MIDNIGHT = datetime(2026, 1, 10, tzinfo=UTC)


def on_file(rows: list[Row]) -> dict[str, Any]:
    ordered = sorted(rows, key=lambda row: row.at)
    at = [int(row.at.replace(tzinfo=UTC).timestamp() * 1e6) for row in ordered]
    columns = {name: [getattr(row, name) for row in ordered] for name in ("x", "kind")}
    return {"rows": {"at": at, "columns": columns}}


@given(st.lists(some_row, max_size=25), moments)
def test_a_feature_is_what_the_documentation_says(rows: list[Row], event: datetime) -> None:
    served = linked_features(PLAN, on_file(rows), event.replace(tzinfo=UTC))
    assert served.keys() == {*PLAN.names}
    for feature in PLAN.features:
        assert alike(served[feature.name], expected(rows, event, feature)), feature.name


@settings(max_examples=15)
@given(st.lists(some_row, min_size=1, max_size=25), people)
def test_joined_and_by_id_a_feature_is_what_the_documentation_says(
    tmp_path_factory: pytest.TempPathFactory, rows: list[Row], who: list[tuple[str, datetime]]
) -> None:
    folder = tmp_path_factory.mktemp("linked")
    written = folder / "written.csv"
    typed = {"id": pl.String, "at": pl.Datetime, "x": pl.Float64, "kind": pl.String}
    pl.DataFrame(rows, schema=typed, orient="row").write_csv(written, datetime_format="%Y-%m-%dT%H:%M:%S")
    frame = pl.DataFrame([(identity, at.isoformat()) for identity, at in who], schema=["id", "t"], orient="row")
    problem, sources = Problem("y", "1", id="id", time="t"), {"rows": Source(str(written))}
    joined = join(frame, PLAN, sources, problem).frame
    for feature in PLAN.features:
        for (identity, event), value in zip(who, joined[feature.name], strict=True):
            own = [row for row in rows if row.id == identity]
            assert alike(value, expected(own, event, feature)), feature.name
    assert parity(joined, PLAN, sources, problem, rows=10) <= 1e-9


def test_a_customer_without_rows_has_none_of_them() -> None:
    served = linked_features(PLAN, {}, MIDNIGHT)
    assert (served["rows.count.all"], served["rows.x.sum.3d"], served["rows.kind.distinct.all"]) == (0, 0, 0)
    assert (served["rows.recency.all"], served["rows.x.mean.all"], served["rows.kind.share=a.all"]) == (
        None,
        None,
        None,
    )


def test_a_level_that_the_customer_never_had_has_no_share_and_all_of_its_complement() -> None:
    rows = [Row("1", datetime(2026, 1, 9), None, "b")]
    served = linked_features(PLAN, on_file(rows), MIDNIGHT)
    assert (served["rows.kind.share=a.all"], served["rows.kind.share!=a.all"]) == (0, 1)


def test_time_goes_on_for_a_customer_on_file() -> None:
    rows = [Row("1", datetime(2026, 1, 9), 1.0, "b")]
    later = linked_features(PLAN, on_file(rows), datetime(2026, 1, 19, tzinfo=UTC))
    assert (later["rows.recency.all"], later["rows.count.3d"], later["rows.count.10d"]) == (10, 0, 1)


def test_rows_stored_for_another_model_are_refused() -> None:
    with pytest.raises(Conflict, match="lack the column 'x'") as refusal:
        linked_features(PLAN, {"rows": {"at": [0], "columns": {"kind": ["a"]}}}, MIDNIGHT)
    assert "riskloop customers" in str(refusal.value.next_step)


def test_the_service_needs_neither_duckdb_nor_polars() -> None:
    script = (
        "import sys, riskloop.data.linked.online, riskloop.bundle.load;"
        "print([m for m in ('duckdb', 'polars', 'pandas', 'pyarrow') if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
