"""Reference pages, made from the code: nothing in them is typed twice."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from documentation.reference import cli, errors, http, metrics, python, schemas, yaml_files

PAGES: Mapping[str, Callable[[], str]] = {
    "index.md": lambda: _INDEX,
    "cli.md": cli.page,
    "yaml.md": yaml_files.page,
    "http.md": http.page,
    "metrics.md": metrics.page,
    "errors.md": errors.page,
    "schemas.md": schemas.page,
    "python.md": python.page,
}
"""File name to what makes its text."""

_INDEX = """\
# Reference

Made from the code by `python -m documentation`; a test fails when a page is not what the code says.

| page | holds |
|---|---|
| [Command line](cli.md) | every verb, its options, an example, exit codes |
| [Files and variables](yaml.md) | every key of `riskloop.yaml`, `contract.yaml` and `reasons.yaml`; environment variables |
| [HTTP](http.md) | every route: who may call it, what it takes, what it answers |
| [Metrics](metrics.md) | every family that Prometheus reads, with type and labels |
| [Errors and findings](errors.md) | every code, its exit code and its HTTP status |
| [Schemas of reports](schemas.md) | the JSON form of every document |
| [Python](python.md) | the public names of `riskloop` |
"""
