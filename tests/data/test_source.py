from __future__ import annotations

import csv
import gzip
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from riskloop.data.source import Source, locate, read
from riskloop.data.source import reading as module
from riskloop.errors import DataError

TEXT = "id,region,income\nNA,NA,1.5\n2,EU,\n3,é,-7\n"
ROWS = [("NA", "NA", "1.5"), ("2", "EU", None), ("3", "é", "-7")]


def table(path: Path, data: str | bytes) -> Source:
    path.write_bytes(data if isinstance(data, bytes) else data.encode())
    return Source(str(path))


def refusal(source: Source) -> DataError:
    with pytest.raises(DataError) as caught:
        read(source)
    assert caught.value.where
    assert caught.value.next_step
    return caught.value


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be", "utf-32", "cp1252"])
def test_every_usual_encoding_is_found_out(tmp_path: Path, encoding: str) -> None:
    frame, found = read(table(tmp_path / "t.csv", TEXT.encode(encoding)))
    assert frame.columns == ["id", "region", "income"]
    assert frame.rows() == ROWS
    assert read(found)[0].equals(frame)


def test_an_accent_far_behind_the_first_lines_is_read_right(tmp_path: Path) -> None:
    text = "name,n\n" + "Smith,1\n" * 40_000 + "Müller,2\n"
    frame, found = read(table(tmp_path / "t.csv", text.encode("cp1252")))
    assert found.encoding == "cp1252"
    assert frame["name"][-1] == "Müller"


def test_a_wrong_named_encoding_is_an_error_that_names_another(tmp_path: Path) -> None:
    source = table(tmp_path / "t.csv", TEXT.encode("cp1252"))
    for named in ("utf-8", "klingon"):
        assert "cp1252" in str(refusal(Source(source.path, encoding=named)).next_step)


@pytest.mark.parametrize("separator", [",", ";", "\t", "|"])
@pytest.mark.parametrize("end", ["\n", "\r\n"])
def test_separators_and_line_ends_are_found_out(tmp_path: Path, separator: str, end: str) -> None:
    text = TEXT.replace(",", separator).replace("\n", end) + end + end
    frame, found = read(table(tmp_path / "t.csv", text))
    assert found.separator == separator
    assert frame.rows() == ROWS


def test_a_named_separator_may_be_any_character(tmp_path: Path) -> None:
    source = table(tmp_path / "t.csv", TEXT.replace(",", "^"))
    assert "separator" in str(refusal(source).next_step)
    assert read(Source(source.path, separator="^"))[0].rows() == ROWS
    assert "one character" in str(refusal(Source(source.path, separator="::")).next_step)


def test_a_tab_may_be_named_as_a_shell_writes_it(tmp_path: Path) -> None:
    source = table(tmp_path / "t.csv", TEXT.replace(",", "\t"))
    assert read(Source(source.path, separator="\\t"))[0].rows() == ROWS


def test_decimal_commas_do_not_pass_for_separators(tmp_path: Path) -> None:
    frame, found = read(table(tmp_path / "t.csv", "a;b;c\n" + "1,5;2,5;3,5\n" * 20))
    assert found.separator == ";"
    assert frame.row(0) == ("1,5", "2,5", "3,5")


def test_gzip_and_parquet_are_known_by_their_content_not_their_name(tmp_path: Path) -> None:
    packed = table(tmp_path / "packed.csv", gzip.compress(TEXT.encode()))
    assert read(packed)[0].rows() == ROWS
    plain = table(tmp_path / "plain.csv.gz", TEXT)
    assert read(plain)[0].rows() == ROWS
    columnar = tmp_path / "columnar.csv"
    pl.DataFrame({"a": [1, 2], "b": ["x", "NA"]}).write_parquet(columnar)
    assert read(Source(str(columnar)))[0].rows() == [(1, "x"), (2, "NA")]


def test_quotes_may_hold_separators_line_ends_and_quotes(tmp_path: Path) -> None:
    text = 'id,note,n\n1,"a, b\nc",2\n2,"say ""hi""",3\n'
    assert read(table(tmp_path / "t.csv", text))[0].rows() == [("1", "a, b\nc", "2"), ("2", 'say "hi"', "3")]


def test_a_quote_within_a_field_is_just_a_character(tmp_path: Path) -> None:
    text = "id,height\n1,5'11\"\n2,6'1\n" + "3,4\n" * 10
    frame, _ = read(table(tmp_path / "t.csv", text))
    assert frame["height"].to_list()[:3] == ["5'11\"", "6'1", "4"]
    assert frame.height == 12


def test_blank_lines_are_no_customers(tmp_path: Path) -> None:
    frame, _ = read(table(tmp_path / "t.csv", TEXT + "\n  \n,,\n\n"))
    assert frame.rows() == ROWS


@pytest.mark.parametrize(("line", "fields"), [("4,5", 2), ("4,5,6,7", 4), ("4,5,6,", 4)])
def test_an_uneven_line_is_named(tmp_path: Path, line: str, fields: int) -> None:
    error = refusal(table(tmp_path / "t.csv", TEXT + line + "\n5,6,7\n"))
    assert f"line 5 has {fields} fields, the first has 3" in error.message


def test_a_quote_that_never_closes_is_named(tmp_path: Path) -> None:
    text = 'a,b\n1,2\n3,"4\n' + "5,6\n" * 60_000
    assert "quote" in str(refusal(table(tmp_path / "t.csv", text)))


def test_a_broken_gzip_file_is_refused(tmp_path: Path) -> None:
    noise = np.random.default_rng(0).integers(0, 9, (40_000, 4)).tolist()
    packed = gzip.compress(("a,b,c,d\n" + "\n".join(",".join(map(str, row)) for row in noise)).encode())
    for name, data in (("cut", packed[: len(packed) // 2]), ("scrambled", packed[:500] + b"?" * 50 + packed[550:])):
        error = refusal(table(tmp_path / f"{name}.csv.gz", data))
        assert "cannot be read" in error.message


def test_a_broken_parquet_file_is_refused(tmp_path: Path) -> None:
    assert "Parquet" in refusal(table(tmp_path / "t.parquet", b"PAR1 and nothing more")).message


def test_a_workbook_is_refused_in_words(tmp_path: Path) -> None:
    assert "Excel" in refusal(table(tmp_path / "t.csv", b"PK\x03\x04rest")).message


def test_a_missing_file_suggests_a_near_one(tmp_path: Path) -> None:
    table(tmp_path / "customers.csv", TEXT)
    error = refusal(Source(str(tmp_path / "custmers.csv")))
    assert "did you mean 'customers.csv'" in str(error.next_step)


def test_an_address_is_no_file() -> None:
    assert "export" in str(refusal(Source("s3://bucket/customers.csv")).next_step)


def test_a_folder_is_no_table(tmp_path: Path) -> None:
    assert "*.csv" in str(refusal(Source(str(tmp_path))).next_step)


@pytest.mark.parametrize("data", [b"", b"\n\n", b"\xef\xbb\xbf", b"\xef\xbb\xbf\n"])
def test_an_empty_file_is_refused(tmp_path: Path, data: bytes) -> None:
    assert "empty" in refusal(table(tmp_path / "t.csv", data)).message


@pytest.mark.parametrize("end", ["", "\n", "\n\n"])
def test_a_header_without_customers_is_refused(tmp_path: Path, end: str) -> None:
    assert "no rows" in refusal(table(tmp_path / "t.csv", "a,b,c" + end)).message


def test_a_column_name_that_occurs_twice_is_refused(tmp_path: Path) -> None:
    assert "'a' occurs 2 times" in refusal(table(tmp_path / "t.csv", "a,b, a \n1,2,3\n")).message
    assert "'column_2' occurs 2 times" in refusal(table(tmp_path / "u.csv", "column_2,,x\n1,2,y\n")).message


def test_ten_thousand_columns_are_refused(tmp_path: Path) -> None:
    names = ",".join(f"c{position}" for position in range(10_000))
    assert "10,000 columns" in refusal(table(tmp_path / "t.csv", f"{names}\n{names}\n")).message
    pl.DataFrame({f"c{position}": [1] for position in range(2_001)}).write_parquet(tmp_path / "t.parquet")
    assert "2,001 columns" in refusal(Source(str(tmp_path / "t.parquet"))).message


def test_a_file_larger_than_memory_is_refused_unless_sampled(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    source = table(tmp_path / "t.csv", "a,b\n" + "1,2\n" * 1_000)
    monkeypatch.setattr(module, "available_memory", lambda: 4_000.0)
    assert "sample_rows" in str(refusal(source).next_step)
    assert 60 <= read(Source(source.path, sample_rows=100))[0].height <= 140


def test_a_sample_is_spread_evenly_and_comes_out_the_same_again(tmp_path: Path) -> None:
    source = table(tmp_path / "t.csv", "a,b\n" + "".join(f"{row},x\n" for row in range(30_000)))
    wanted = Source(source.path, sample_rows=20_000)
    frame, _ = read(wanted)
    assert abs(frame.height - 20_000) < 50
    assert np.median(frame["a"].cast(pl.Int64)) == pytest.approx(15_000, rel=0.02)
    assert read(wanted)[0].equals(frame)


def test_the_first_line_names_columns_unless_it_is_a_customer(tmp_path: Path) -> None:
    for text, header in (
        ("id,2022,2023,target\nC1,5,6,0\nC2,7,8,1\n", True),
        ("39, State-gov, 77516, <=50K\n50, State-gov, 83311, <=50K\n", False),
        ("1,2,3\n4,5,6\n", False),
        ("C1,34,0\nC2,35,1\n", False),
        ("red,dog\nred,cat\nblue,dog\n", False),
        ("colour,pet\nred,cat\nblue,dog\n", True),
        ("?,5,red\n2,6,red\n3,7,blue\n", False),
    ):
        assert read(table(tmp_path / "t.csv", text))[1].header is header, text


def test_columns_without_a_header_get_the_given_names(tmp_path: Path) -> None:
    source = table(tmp_path / "t.csv", "1,2\n3,4\n")
    assert read(source)[0].columns == ["column_1", "column_2"]
    assert read(Source(source.path, columns=("age", "income")))[0].columns == ["age", "income"]
    assert "3 column names were given for 2 columns" in refusal(Source(source.path, columns=("a", "b", "c"))).message
    assert "'a' occurs 2 times" in refusal(Source(source.path, columns=("a", "a"))).message


def test_a_glob_reads_files_of_the_same_columns_in_any_order(tmp_path: Path) -> None:
    table(tmp_path / "a.csv", "x,y\n1,é\n")
    table(tmp_path / "b.csv", "y;x\nü;2\n".encode("cp1252"))
    (tmp_path / "folder.csv").mkdir()
    frame, _ = read(Source(str(tmp_path / "*.csv")))
    assert frame.rows() == [("1", "é"), ("2", "ü")]
    table(tmp_path / "c.csv", "x,z\n1,2\n")
    assert "c.csv" in str(refusal(Source(str(tmp_path / "*.csv"))).where)
    with pytest.raises(DataError, match="No such file"):
        locate(str(tmp_path / "*.parquet"))


def test_a_name_with_brackets_is_a_name(tmp_path: Path) -> None:
    assert read(table(tmp_path / "export [1].csv", TEXT))[0].rows() == ROWS


def test_nested_parquet_columns_become_text(tmp_path: Path) -> None:
    frame = pl.DataFrame({"a": [1, 2], "tags": [["x"], None], "raw": [b"\xff", b"ok"]})
    frame.write_parquet(tmp_path / "t.parquet")
    read_back, _ = read(Source(str(tmp_path / "t.parquet")))
    assert read_back.schema["tags"] == read_back.schema["raw"] == pl.String
    assert read_back["tags"].null_count() == 1


def test_null_bytes_and_very_long_fields_are_cells_like_others(tmp_path: Path) -> None:
    frame, _ = read(table(tmp_path / "t.csv", "a,b\nx\0y,2\n" + "z" * 100_000 + ",3\n"))
    assert frame["a"].to_list() == ["x\0y", "z" * 100_000]


cell = st.text(alphabet='ab1,;"\n é', max_size=5)


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(st.lists(cell, min_size=2, max_size=2), min_size=1, max_size=8))
def test_what_a_csv_writer_writes_is_read_back(tmp_path: Path, rows: list[list[str]]) -> None:
    path = tmp_path / "t.csv"
    with path.open("w", newline="", encoding="utf-8") as stream:
        csv.writer(stream).writerows([["left", "right"], *rows])
    written = [row for row in rows if any(cell.strip() for cell in row)]
    source = Source(str(path), separator=",", header=True)
    if not written:
        refusal(source)
    else:
        assert [[text or "" for text in row] for row in read(source)[0].rows()] == written


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.one_of(st.binary(max_size=60), st.text(alphabet='ab1,;"\n\r\0é', max_size=60).map(str.encode)))
def test_whatever_bytes_a_file_holds_it_is_read_or_refused_in_words(tmp_path: Path, data: bytes) -> None:
    try:
        frame, _ = read(table(tmp_path / "t.csv", data))
    except DataError:
        refusal(Source(str(tmp_path / "t.csv")))
    else:
        assert frame.height
        assert len(set(frame.columns)) == frame.width
