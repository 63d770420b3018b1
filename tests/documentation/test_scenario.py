"""The runner of pages finds what does not work, and says where."""

from __future__ import annotations

from pathlib import Path
from textwrap import dedent

import pytest

from tests.documentation.pages import commands, read
from tests.documentation.prepared import Prepared
from tests.documentation.scenario import Failed, Scenario


def run(folder: Path, text: str, prepared: Prepared | None = None) -> Scenario:
    path = folder / "page.md"
    path.write_text(dedent(text))
    (folder / "reader").mkdir()
    with Scenario(read(path), folder / "reader", prepared or {}) as scenario:
        scenario.run()
    return scenario


def test_a_line_that_fails_is_named_with_its_page_and_what_it_said(tmp_path: Path) -> None:
    with pytest.raises(Failed, match=r"(?s)page\.md:5: riskloop check nothing\.csv.*exit code 2, expected 0.*next: "):
        run(tmp_path, """\
            # Page

            ```bash
            true
            riskloop check nothing.csv   # there is none
            ```
        """)  # fmt: skip


def test_a_line_of_python_that_fails_is_named(tmp_path: Path) -> None:
    with pytest.raises(Failed, match=r"(?s)page\.md:7: print\(1 / nothing\).*ZeroDivisionError"):
        run(tmp_path, """\
            ```python
            nothing = 0
            ```

            ```python
            print("before")
            print(1 / nothing)
            ```
        """)  # fmt: skip


@pytest.mark.parametrize(
    "line", ["riskloop nonsense  # exit 2", "false # exit 1: as it should", "(exit 7)  # exit 7: it's so"]
)
def test_an_exit_code_may_be_promised(tmp_path: Path, line: str) -> None:
    run(tmp_path, f"```bash\n{line}\n```\n")


@pytest.mark.parametrize("line", ["true  # exit 1", "riskloop --version  # exit 3", "riskloop nonsense"])
def test_a_promise_of_an_exit_code_is_kept(tmp_path: Path, line: str) -> None:
    with pytest.raises(Failed, match="expected"):
        run(tmp_path, f"```bash\n{line}\n```\n")


def test_the_reader_stays_where_a_line_went_and_keeps_what_it_exported(tmp_path: Path) -> None:
    run(tmp_path, """\
        <!-- prepare:
        mkdir deep
        -->
        ```bash
        cd deep
        export NAME="two words"
        ```
        ```bash
        cat > note.txt <<END
        $NAME

        END
        for one in 1 2; do
          echo $one >> note.txt
        done
        echo a \\
          b >> note.txt
        ```
    """)  # fmt: skip
    assert (tmp_path / "reader" / "deep" / "note.txt").read_text() == "two words\n\n1\n2\na b\n"


def test_output_templates_and_what_needs_more_are_not_run(tmp_path: Path) -> None:
    scenario = run(tmp_path, "It needs Docker:\n\n```sh\ntouch made\n```\n```text\nfalse\n```\n```yaml\na: 1\n```\n")
    assert not (scenario.folder / "made").exists()
    assert [block.before for block in scenario.page.blocks if block.language == "sh"] == ["It needs Docker:"]


def test_an_indented_block_counts_as_one(tmp_path: Path) -> None:
    scenario = run(tmp_path, "1. First:\n\n    ```bash\n    touch made\n    ```\n")
    assert (scenario.folder / "made").exists()


def test_preparation_that_nobody_knows_is_refused(tmp_path: Path, prepared: Prepared) -> None:
    with pytest.raises(Failed, match=r"page\.md:2: @nonsense\nnothing is prepared by that name; there are mlflow"):
        run(tmp_path, "<!-- prepare:\n@nonsense\n-->\n```bash\ntrue\n```\n", prepared)


def test_a_service_runs_on_a_port_of_its_own_until_the_page_ends(tmp_path: Path, prepared: Prepared) -> None:
    scenario = run(tmp_path, """\
        <!-- prepare:
        @churn-trained
        -->
        ```bash
        riskloop serve --port 8000
        curl localhost:8000/ready
        curl localhost:8000/nowhere   # 404
        ```
        ```python
        import urllib.request
        assert urllib.request.urlopen("http://127.0.0.1:8000/model").status == 200
        ```
    """, prepared)  # fmt: skip
    assert not scenario.running


def test_a_refusal_over_http_fails_the_page_unless_it_is_promised(tmp_path: Path, prepared: Prepared) -> None:
    page = "<!-- prepare:\n@churn-trained\n-->\n```bash\nriskloop serve\ncurl localhost:8000/nowhere\n```\n"
    with pytest.raises(Failed, match=r"(?s)page\.md:6.*exit code 22"):
        run(tmp_path, page, prepared)


def test_a_service_that_does_not_start_fails_the_page(tmp_path: Path) -> None:
    with pytest.raises(Failed, match=r"(?s)page\.md:2: riskloop serve.*did not become ready.*riskloop init"):
        run(tmp_path, "```bash\nriskloop serve\n```\n")


def test_lines_are_numbered_as_an_editor_does(tmp_path: Path) -> None:
    (tmp_path / "page.md").write_text("one\n\n```bash\n\n# a remark\ntrue\nfalse 'a\nb'\nls\n```\n")
    (block,) = read(tmp_path / "page.md").blocks
    assert [(command.line, command.text) for command in commands(block)] == [
        (6, "true"),
        (7, "false 'a\nb'"),
        (9, "ls"),
    ]
