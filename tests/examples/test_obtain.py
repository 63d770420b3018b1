from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from hashlib import sha256
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from examples.obtain import LOCAL, NotObtained, Table, main, obtain

CONTENT = b"id,target\n1,0\n2,1\n"
FILES = {"/table.csv": CONTENT, "/windows.csv": CONTENT.replace(b"\n", b"\r\n").rstrip(), "/other.csv": b"id\n1\n"}


@pytest.fixture(scope="module")
def site() -> Iterator[str]:
    """A host of public tables."""

    class Host(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            found = FILES.get(self.path)
            self.send_response(404 if found is None else 200)
            self.end_headers()
            self.wfile.write(found or b"")

        def log_message(self, *_: object) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Host) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()


def table(*urls: str) -> Table:
    return Table("table.csv", "some/where.csv", len(CONTENT), sha256(CONTENT).hexdigest(), urls, "https://example.org")


@pytest.fixture
def said() -> list[str]:
    return []


@pytest.fixture
def say(said: list[str]) -> Callable[[str], None]:
    return said.append


def test_a_table_is_fetched_and_verified(site: str, tmp_path: Path, say: Callable[[str], None]) -> None:
    path = obtain(table(f"{site}/table.csv"), tmp_path / "data", environ={}, say=say)
    assert path == tmp_path / "data" / "table.csv"
    assert path.read_bytes() == CONTENT
    assert [one.name for one in path.parent.iterdir()] == ["table.csv"]


def test_the_same_table_with_other_line_ends_is_the_same_table(
    site: str, tmp_path: Path, say: Callable[[str], None]
) -> None:
    assert obtain(table(f"{site}/windows.csv"), tmp_path, environ={}, say=say).read_bytes() == CONTENT


def test_another_table_and_a_missing_one_are_passed_over(site: str, tmp_path: Path, say: Callable[[str], None]) -> None:
    urls = (f"{site}/other.csv", f"{site}/gone.csv", f"{site}/table.csv")
    assert obtain(table(*urls), tmp_path, environ={}, say=say).read_bytes() == CONTENT


def test_where_no_copy_is_right_nothing_is_kept_and_each_is_named(
    site: str, tmp_path: Path, say: Callable[[str], None]
) -> None:
    nobody = "http://127.0.0.1:9/table.csv"
    with pytest.raises(NotObtained) as told:
        obtain(table(f"{site}/other.csv", f"{site}/gone.csv", nobody), tmp_path / "data", environ={}, say=say)
    for part in ("5 bytes with another SHA-256", "HTTP 404", nobody, "refused", f"set {LOCAL}=", "https://example.org"):
        assert part in str(told.value)
    assert not (tmp_path / "data").exists()


def test_what_is_there_already_is_left_alone(tmp_path: Path, said: list[str], say: Callable[[str], None]) -> None:
    (tmp_path / "table.csv").write_bytes(CONTENT)
    assert obtain(table(), tmp_path, environ={}, say=say).read_bytes() == CONTENT
    assert "is here already" in said[0]


def test_another_file_of_that_name_is_replaced_only_if_asked(
    site: str, tmp_path: Path, say: Callable[[str], None]
) -> None:
    mine = tmp_path / "table.csv"
    mine.write_text("mine")
    with pytest.raises(NotObtained, match="--overwrite"):
        obtain(table(f"{site}/table.csv"), tmp_path, environ={}, say=say)
    assert mine.read_text() == "mine"
    obtain(table(f"{site}/table.csv"), tmp_path, overwrite=True, environ={}, say=say)
    assert mine.read_bytes() == CONTENT


def test_a_copy_on_this_machine_goes_before_the_network(tmp_path: Path, say: Callable[[str], None]) -> None:
    tables = tmp_path / "tables"
    (tables / "some").mkdir(parents=True)
    (tables / "some" / "where.csv").write_bytes(CONTENT)
    path = obtain(table("http://127.0.0.1:9/x.csv"), tmp_path / "data", environ={LOCAL: str(tables)}, say=say)
    assert path.read_bytes() == CONTENT
    path.unlink()
    (tables / "some" / "where.csv").write_bytes(CONTENT + b"3,1\n")
    with pytest.raises(NotObtained, match="SHA-256 differs"):
        obtain(table(), tmp_path / "data", environ={LOCAL: str(tables)}, say=say)
    (tables / "some" / "where.csv").unlink()
    with pytest.raises(NotObtained, match="cannot be read: No such file"):
        obtain(table(), tmp_path / "data", environ={LOCAL: str(tables)}, say=say)
    assert not path.exists()


def test_the_command_says_what_is_wrong_and_exits_with_1(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv(LOCAL, str(tmp_path / "nowhere"))
    assert main(table(), tmp_path / "data", []) == 1
    assert "nowhere" in capsys.readouterr().err
