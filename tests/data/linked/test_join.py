from __future__ import annotations

import gzip
import math
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from riskloop.data.linked.history import histories, parity
from riskloop.data.linked.join import Joined, join
from riskloop.data.linked.plan import LinkedTable, Plan
from riskloop.data.source import Source
from riskloop.errors import ConfigError, DataError
from riskloop.problem import Problem

PROBLEM = Problem("y", "1", id="id", time="t")
EVERYTHING = {
    "*": ["count", "recency"],
    "x": ["count", "sum", "mean", "min", "max", "last", "trend", "recency", "distinct", "share > 0", "share = 1.5"],
    "kind": ["count", "recency", "distinct", "share = a", "share != a"],
}


def customers(*rows: tuple[str | None, str | None]) -> pl.DataFrame:
    return pl.DataFrame(rows, schema={"id": pl.String, "t": pl.String}, orient="row")


def linked(folder: Path, text: str, **fields: Any) -> tuple[Plan, dict[str, Source]]:
    """A plan on a table of that text."""
    path = folder / "rows.csv"
    path.write_text(text)
    described = {"key": "id", "time": "at", "windows": ["all"], "features": EVERYTHING} | fields
    plan = Plan((LinkedTable.from_dict("rows", described),), point_in_time=described["time"] is not None)
    return plan, {"rows": Source(str(path))}


ROWS = """id,at,x,kind
1,2026-01-01,1,a
1,2026-01-03,3,b
1,2026-01-10,,a
1,2026-01-10,8,
2,2026-01-05,-2.5,c
"""


def test_a_customer_is_described_by_the_rows_known_before_the_event(tmp_path: Path) -> None:
    plan, sources = linked(tmp_path, ROWS)
    frame = join(customers(("1", "2026-01-10"), ("2", "2026-01-06"), ("3", "2026-01-10")), plan, sources, PROBLEM).frame
    assert frame["rows.count.all"].to_list() == [2, 1, 0]
    assert frame["rows.recency.all"].to_list() == [7, 1, None]
    assert frame["rows.x.sum.all"].to_list() == [4, -2.5, 0]
    assert frame["rows.x.mean.all"].to_list() == [2, -2.5, None]
    assert frame["rows.x.last.all"].to_list() == [3, -2.5, None]
    assert frame["rows.x.trend.all"].to_list() == [1, None, None]
    assert frame["rows.kind.distinct.all"].to_list() == [2, 1, 0]
    assert frame["rows.kind.share=a.all"].to_list() == [0.5, 0, None]


def test_one_customer_at_several_moments_is_described_at_each(tmp_path: Path) -> None:
    plan, sources = linked(tmp_path, ROWS)
    frame = join(customers(("1", "2026-01-02"), ("1", "2026-01-11"), ("1", "2026-01-01")), plan, sources, PROBLEM).frame
    assert frame["rows.count.all"].to_list() == [1, 4, 0]


def test_a_window_holds_its_first_moment_and_not_the_event(tmp_path: Path) -> None:
    plan, sources = linked(tmp_path, ROWS, windows=["7d", "9d"])
    frame = join(customers(("1", "2026-01-10"), ("1", "2026-01-10T00:00:01")), plan, sources, PROBLEM).frame
    assert frame["rows.count.7d"].to_list() == [1, 2]
    assert frame["rows.count.9d"].to_list() == [2, 3]
    assert "rows.recency.7d" not in frame.columns


def test_future_rows_change_nothing(tmp_path: Path) -> None:
    people = customers(("1", "2026-01-10"), ("2", "2026-01-06"))
    before = join(people, *linked(tmp_path, ROWS), PROBLEM).frame
    later = ROWS + "1,2026-01-10,99,z\n2,2026-01-06,99,z\n2,2027-01-01,oops,z\n"
    assert join(people, *linked(tmp_path, later), PROBLEM).frame.equals(before)


def test_the_order_of_the_file_changes_no_bit(tmp_path: Path) -> None:
    lines = [f"1,2026-01-{day:02},{0.1 * day + 1 / 3},k{day % 3}" for day in range(1, 28) for _ in range(3)]
    header, people = "id,at,x,kind\n", customers(("1", "2026-02-01"))
    first = join(people, *linked(tmp_path, header + "\n".join(lines)), PROBLEM).frame
    assert join(people, *linked(tmp_path, header + "\n".join(lines[::-1])), PROBLEM).frame.equals(first)


def test_parity_notices_a_table_that_has_changed(tmp_path: Path) -> None:
    plan, sources = linked(tmp_path, ROWS)
    joined = join(customers(("1", "2026-01-10"), ("2", "2026-01-06")), plan, sources, PROBLEM).frame
    linked(tmp_path, ROWS + "2,2026-01-05,-2.4,c\n")
    assert parity(joined, plan, sources, PROBLEM, rows=10) == 1
    linked(tmp_path, ROWS.replace("2026-01-05", "2026-01-06"))
    assert parity(joined, plan, sources, PROBLEM, rows=10) == math.inf


def test_parquet_a_packed_file_and_several_files_say_the_same(tmp_path: Path) -> None:
    people = customers(("1", "2026-01-10"), ("2", "2026-01-06"))
    plan, sources = linked(tmp_path, ROWS)
    expected = join(people, plan, sources, PROBLEM).frame
    lines = ROWS.splitlines()
    (tmp_path / "part1.csv").write_text("\n".join(lines[:3]))
    (tmp_path / "part2.csv").write_text("\n".join([lines[0], *lines[3:]]))
    with gzip.open(tmp_path / "packed.csv.gz", "wt") as stream:
        stream.write(ROWS)
    typed = pl.read_csv(sources["rows"].path, try_parse_dates=True).with_columns(pl.col("id").cast(pl.Float64))
    typed.write_parquet(tmp_path / "typed.parquet")
    (tmp_path / "latin.csv").write_bytes((ROWS + "9,2026-01-01,1,é\n").replace(",", ";").encode("cp1252"))
    (tmp_path / "swapped1.csv").write_text("\n".join(lines[:3]))
    swapped = [",".join(reversed(line.split(","))) for line in [lines[0], *lines[3:]]]
    (tmp_path / "swapped2.csv").write_text("\n".join(swapped))
    for name in ("part*.csv", "packed.csv.gz", "typed.parquet", "latin.csv", "swapped*.csv"):
        there = {"rows": Source(str(tmp_path / name))}
        assert join(people, plan, there, PROBLEM).frame.equals(expected), name


def test_no_name_of_a_column_can_do_harm(tmp_path: Path) -> None:
    names = ['a"; DROP TABLE cells; --', "row", "age", "moment", "at", "id", "c0", "A", "a", "*?[x]", "x' y", "select"]
    values = {name: [str(number)] for number, name in enumerate(names)}
    path = tmp_path / "odd[1]*'name.parquet"
    pl.DataFrame({"the key": ["1"], "when": ["2026-01-01"], **values}).write_parquet(path)
    csv = path.with_suffix(".csv")
    pl.read_parquet(path, glob=False).write_csv(csv)
    described = {"key": "the key", "time": "when", "features": {name: ["sum"] for name in names}}
    plan = Plan((LinkedTable.from_dict("odd", described),))
    for file in (path, csv):
        sources = {"odd": Source(str(file))}
        frame = join(customers(("1", "2026-01-10")), plan, sources, PROBLEM).frame
        assert frame.select(plan.names).row(0) == tuple(range(len(names)))
        assert parity(frame, plan, sources, PROBLEM, rows=1) == 0


def test_times_with_an_offset_are_converted_and_others_are_taken_as_they_are(tmp_path: Path) -> None:
    text = "id,at,x,kind\n1,2026-01-01T01:00:00+02:00,1,a\n1,2025-12-31 23:30,2,a\n1,2026-01-01T00:00:00.5Z,4,a\n"
    plan, sources = linked(tmp_path, text)
    frame = join(customers(("1", "2025-12-31T23:15:00"), ("1", "2026-01-01T00:00:00")), plan, sources, PROBLEM).frame
    assert frame["rows.x.sum.all"].to_list() == [1, 3]


def findings(joined: Joined) -> dict[str, str]:
    return {finding.code: finding.severity for finding in joined.findings}


def test_a_key_that_matches_nobody_is_an_error(tmp_path: Path) -> None:
    found = join(customers(("7", "2026-01-10")), *linked(tmp_path, ROWS), PROBLEM)
    assert findings(found) == {"linked-no-match": "error"}


def test_text_in_a_number_column_is_counted_and_read_as_missing(tmp_path: Path) -> None:
    text = ROWS + "2,2026-01-05,NA,c\n2,2026-01-05,1e400,c\n2,2026-01-05,inf,c\n"
    found = join(customers(("2", "2026-01-06")), *linked(tmp_path, text), PROBLEM)
    assert found.frame["rows.x.sum.all"].to_list() == [-2.5]
    (finding,) = found.findings
    assert (finding.code, finding.severity, finding.column, finding.rows) == (
        "linked-text-in-number",
        "warning",
        "x",
        3,
    )


def test_a_number_column_of_text_only_is_an_error(tmp_path: Path) -> None:
    text = "id,at,x,kind\n1,2026-01-01,much,a\n1,2026-01-02,little,a\n"
    assert findings(join(customers(("1", "2026-01-10")), *linked(tmp_path, text), PROBLEM)) == {
        "linked-text-in-number": "error"
    }


def test_rows_without_a_readable_time_never_count(tmp_path: Path) -> None:
    found = join(customers(("1", "2026-01-10")), *linked(tmp_path, ROWS + "1,01/02/2026,5,a\n1,,5,a\n"), PROBLEM)
    assert found.frame["rows.count.all"].to_list() == [2]
    (finding,) = found.findings
    assert (finding.code, finding.rows) == ("linked-no-time", 2)
    assert "'01/02/2026'" in finding.message


def test_without_an_event_time_every_row_counts_and_it_is_said(tmp_path: Path) -> None:
    timeless = {"*": ["count"], "x": ["mean"]}
    plan, sources = linked(tmp_path, ROWS, time=None, features=timeless)
    found = join(pl.DataFrame({"id": ["1"]}), plan, sources, Problem("y", "1", id="id"))
    assert found.frame["rows.count.all"].to_list() == [4]
    assert findings(found) == {"linked-every-row": "warning"}
    assert parity(found.frame, plan, sources, Problem("y", "1", id="id"), rows=1) == 0


def test_customers_without_event_times_are_seen_as_of_now(tmp_path: Path) -> None:
    plan, sources = linked(tmp_path, ROWS)
    now = datetime(2026, 1, 4, tzinfo=UTC)
    assert join(pl.DataFrame({"id": ["1"]}), plan, sources, PROBLEM, as_of=now).frame["rows.count.all"].to_list() == [2]


def test_customers_without_an_id_or_a_time_have_no_rows(tmp_path: Path) -> None:
    frame = join(
        customers((None, "2026-01-10"), ("1", None), ("1", "2026-01-10")), *linked(tmp_path, ROWS), PROBLEM
    ).frame
    assert frame["rows.count.all"].to_list() == [0, 0, 2]


def test_features_that_are_there_already_are_kept_but_not_a_part_of_them(tmp_path: Path) -> None:
    plan, sources = linked(tmp_path, ROWS, features={"*": ["count", "recency"]})
    given_all = customers(("1", "2026-01-10")).with_columns(
        pl.lit(5.0).alias("rows.count.all"), pl.lit(6.0).alias("rows.recency.all")
    )
    found = join(given_all, plan, sources, PROBLEM)
    assert found.frame.equals(given_all)
    assert findings(found) == {"linked-given": "info"}
    with pytest.raises(DataError, match="1 of the 2 features"):
        join(given_all.drop("rows.recency.all"), plan, sources, PROBLEM)


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        ({"key": "ID"}, "no column 'ID'"),
        ({"features": {"kimd": ["distinct"]}}, "did you mean 'kind'"),
        ({"time": "On"}, "no column 'On'"),
    ],
)
def test_a_missing_column_is_named(tmp_path: Path, fields: dict[str, Any], said: str) -> None:
    with pytest.raises(DataError, match=said):
        join(customers(("1", "2026-01-10")), *linked(tmp_path, ROWS, **fields), PROBLEM)


def test_a_missing_file_is_named_with_the_nearest_one(tmp_path: Path) -> None:
    plan, _ = linked(tmp_path, ROWS)
    with pytest.raises(DataError, match=r"did you mean 'rows.csv'"):
        join(customers(("1", "2026-01-10")), plan, {"rows": Source(str(tmp_path / "row.csv"))}, PROBLEM)


def test_an_uneven_file_is_refused_with_its_line(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="line 3"):
        join(
            customers(("1", "2026-01-10")), *linked(tmp_path, "id,at,x,kind\n1,2026-01-01,1,a\n1,2026-01-01\n"), PROBLEM
        )


def test_a_table_without_the_id_or_a_place_for_the_rows_is_refused(tmp_path: Path) -> None:
    plan, sources = linked(tmp_path, ROWS)
    with pytest.raises(DataError, match="no column 'id'"):
        join(pl.DataFrame({"t": ["2026-01-10"]}), plan, sources, PROBLEM)
    with pytest.raises(ConfigError, match="nothing says where"):
        join(customers(("1", "2026-01-10")), plan, {}, PROBLEM)


def test_streamed_rows_are_never_cut_within_a_customer(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    lines = "".join(f"{1 + number // 7},2026-01-01,{number},a\n" for number in range(70))
    plan, sources = linked(tmp_path, "id,at,x,kind\n" + lines)
    people = customers(*((str(number), "2026-01-10") for number in range(1, 11)))
    whole = join(people, plan, sources, PROBLEM).frame
    stored = list(histories(plan, sources, people["id"]))
    monkeypatch.setattr("riskloop.data.linked.offline._BATCH", 3)
    assert join(people, plan, sources, PROBLEM).frame.equals(whole)
    assert list(histories(plan, sources, people["id"])) == stored
    assert len(stored) == 10
