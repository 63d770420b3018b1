"""Reference pages say what the code says, and leave nothing out."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import typer
import yaml

import riskloop
from documentation.__main__ import REFERENCE
from documentation.reference import PAGES, cli, errors, http, metrics, python, yaml_files
from riskloop.cli.app import app
from riskloop.serve.openapi import document
from riskloop.settings import json_schema
from riskloop.watch.alerts import MEASURES

SOURCE = Path(riskloop.__file__).parent
ROOT = typer.main.get_command(app)


def text(name: str) -> str:
    return (REFERENCE / name).read_text(encoding="utf-8")


@pytest.mark.parametrize("name", PAGES)
def test_a_page_is_what_the_code_says(name: str) -> None:
    assert text(name) == PAGES[name](), f"docs/reference/{name} is out of date: run `python -m documentation`"


def test_there_is_no_page_that_nobody_makes() -> None:
    assert {path.name for path in REFERENCE.glob("*.md")} == set(PAGES)


@pytest.mark.parametrize("name", ["cli.md", "yaml.md", "http.md", "metrics.md", "errors.md", "schemas.md", "python.md"])
def test_a_page_says_nothing_of_the_machine_on_which_it_was_made(name: str) -> None:
    assert not re.search(r"/home/|/root|/tmp/|0x[0-9a-f]{6}|PATH=|environ\(", text(name))


# the command line


@pytest.mark.parametrize(("name", "command"), list(cli.verbs(ROOT)))
def test_every_verb_says_what_it_does_with_an_example_and_every_option_what_it_is(name: str, command: object) -> None:
    assert command.help  # type: ignore[attr-defined]
    assert all(one.help for one in command.params)  # type: ignore[attr-defined]
    bare = hasattr(command, "commands") and not command.invoke_without_command  # type: ignore[attr-defined]
    assert bare or command.epilog.startswith(f"Example: riskloop {name}")  # type: ignore[attr-defined]


def test_every_verb_and_option_is_on_the_page() -> None:
    page = text("cli.md")
    for name, command in cli.verbs(ROOT):
        assert re.search(rf"^##+ `{name}`$", page, re.MULTILINE), name
        missing = [one.name for one in cli.own(command) if not any(f"`{opt}" in page for opt in one.opts)]
        assert not [one for one in missing if f"`{one} " not in page], name


# files and variables


def test_every_section_and_every_key_says_what_it_is() -> None:
    schema = json_schema()
    silent = [name for name, section in schema["$defs"].items() if not section.get("description")]
    silent += [
        f"{name}.{key}"
        for name, section in schema["$defs"].items()
        for key, field in section["properties"].items()
        if not field.get("description")
    ]
    assert not silent


def test_every_key_is_on_the_page() -> None:
    schema, page = json_schema(), text("yaml.md")
    assert all(f"### {name}\n" in page for name, part in schema["properties"].items() if "Section" in str(part))
    keys = [key for section in schema["$defs"].values() for key in section["properties"]]
    assert not [key for key in keys if f"| `{key}` |" not in page]


@pytest.mark.parametrize("name", ["type", "levels", "minimum", "aliases", "monotone", "personal", "texts", "known"])
def test_rules_of_columns_and_texts_of_reasons_are_there(name: str) -> None:
    assert f"`{name}`" in text("yaml.md").partition("## contract.yaml")[2]


def test_every_variable_that_is_read_is_told() -> None:
    read = {
        node.value
        for path in SOURCE.rglob("*.py")
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.Constant)
        and isinstance(node.value, str)
        and re.fullmatch(r"RISKLOOP_[A-Z][A-Z_]*[A-Z]|MLFLOW_TRACKING_URI|AWS_ENDPOINT_URL", node.value)
    }
    told = set(yaml_files.VARIABLES) - {"RISKLOOP__SECTION__KEY"}
    assert read == told


# HTTP and metrics


def test_every_route_is_described_and_says_whom_it_is_for() -> None:
    described, roles, page = document("NAME", None), http.routes(), text("http.md")
    operations = {(path, method.upper()) for path, method, _ in http.operations(described)}
    assert operations <= set(roles)
    assert not [one for one in roles if f"`{one[1]} {one[0]}`" not in page]
    assert set(roles.values()) == {"everybody", "viewer", "scorer", "approver", "admin"}


def test_what_changes_who_leads_is_for_approvers() -> None:
    roles = http.routes()
    assert roles["/rollback", "POST"] == "approver"
    assert roles["/customers/{customer_id}/records", "DELETE"] == "admin"
    assert {path for (path, _), role in roles.items() if role == "everybody" and "health" in path} == {
        "/health",
        "/v2/health/live",
        "/v2/health/ready",
    }


def test_every_family_has_a_help_and_dashboards_and_rules_ask_for_no_other() -> None:
    families = list(metrics.families())
    assert all(told for *_, told in families)
    known, deploy = {name for name, *_ in families}, SOURCE.parents[1] / "deploy"
    for path in (*deploy.glob("grafana/**/*.json"), deploy / "prometheus" / "rules.yml"):
        asked = {name for query in queries(yaml.safe_load(path.read_text())) for name in METRIC.findall(query)}
        assert asked
        assert {re.sub(r"_(total|bucket|sum|count)$", "", name) for name in asked} <= known


METRIC = re.compile(r"(?<![\w:])riskloop_[a-z_]+(?!:)")


def queries(document: Any) -> Iterator[str]:
    """Every ``expr`` in dashboards and rules."""
    for name, value in document.items() if isinstance(document, dict) else enumerate(document):
        if name == "expr":
            yield value
        elif isinstance(value, dict | list):
            yield from queries(value)


def test_every_measure_is_told() -> None:
    assert all(f"`{name}`" in text("metrics.md") for name in MEASURES)


# errors


def test_every_code_of_a_finding_in_the_code_is_on_the_page() -> None:
    page = text("errors.md")
    codes = {
        found
        for path in SOURCE.rglob("*.py")
        for found in re.findall(r"\bFinding\(\s*\"([a-z][a-z-]*)\"", path.read_text(encoding="utf-8"))
    }
    assert len(codes) > 30
    assert not [code for code in codes if f"| `{code}` |" not in page]


def test_every_finding_has_a_severity_a_sentence_and_a_next_step() -> None:
    lacking = [code for code, severities, says, step in errors.findings() if not (severities and says and step)]
    assert not lacking


def test_every_kind_of_error_has_a_sentence_and_a_code_of_its_own() -> None:
    kinds = errors.kinds()
    assert len({kind.code for kind, _ in kinds}) == len(kinds)
    assert all(said for _, said in kinds)


def test_every_refusal_over_http_has_its_status() -> None:
    assert all(400 <= int(status) < 600 for _, status, _ in errors.problems())
    assert {"no-champion", "unauthenticated", "too-many-requests"} <= {code for code, _, _ in errors.problems()}


# Python


@pytest.mark.parametrize("name", riskloop.__all__)
def test_every_public_name_is_described(name: str) -> None:
    page = text("python.md")
    assert f"\n## {name}\n" in page
    part = page.partition(f"\n## {name}\n")[2].partition("\n## ")[0]
    assert len(re.sub(r"```.*?```", "", part, flags=re.DOTALL).split()) > 5


def test_defaults_of_the_moment_are_not_shown() -> None:
    assert python.signature("open_project", riskloop.open_project) == "open_project(folder='.', environ=..., clock=...)"
