"""riskloop.yaml is read once, with what the environment says instead."""

from __future__ import annotations

import os
from collections.abc import Mapping
from copy import deepcopy
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from riskloop.errors import ConfigError
from riskloop.settings.section import explained
from riskloop.settings.settings import Settings

FILE = "riskloop.yaml"
CONTRACT_FILE = "contract.yaml"
PREFIX = "RISKLOOP__"


def load_settings(folder: Path, environ: Mapping[str, str] = os.environ) -> Settings:
    """Read riskloop.yaml and the ``RISKLOOP__SECTION__KEY`` overrides.

    Raises
    ------
    ConfigError
        Naming the field and the nearest correct one.
    """
    path = folder / FILE
    if not path.is_file():
        raise ConfigError(
            f"There is no {FILE} here.",
            where=str(folder),
            next_step="run `riskloop init --data FILE --target COLUMN`, or name the project with --project",
        )
    return parse_settings(read_yaml(path), environ, where=str(path))


def parse_settings(document: Any, environ: Mapping[str, str] | None = None, *, where: str = FILE) -> Settings:
    """Check a parsed document; see `load_settings`."""
    if not isinstance(document, dict):
        raise ConfigError("The file holds no settings.", where=where, next_step="run `riskloop init`")
    document = {key: value for key, value in deepcopy(document).items() if value is not None}
    for name, value in sorted((environ or {}).items()):
        if name.startswith(PREFIX):
            _override(document, name, value)
    try:
        return Settings.model_validate(document)
    except ValidationError as error:
        raise explained(error, Settings, where) from error


def read_yaml(path: Path) -> Any:
    """Parse a YAML file with plain types only.

    Raises
    ------
    ConfigError
        If it is not there, or is no YAML.
    """
    import yaml

    try:
        return yaml.safe_load(path.read_text(encoding="utf-8-sig"))
    except OSError as error:
        raise ConfigError(
            f"The file cannot be read: {error.strerror}.", where=str(path), next_step="run `riskloop init`"
        ) from error
    except (yaml.YAMLError, ValueError, RecursionError) as error:
        raise ConfigError(f"The file is not valid YAML: {error}", where=str(path), next_step="correct it") from error


def write_yaml(path: Path, document: Mapping[str, Any], heading: str, ending: str = "") -> None:
    """Write a document with a comment on top, and perhaps one below, whole or not at all."""
    import yaml

    text = yaml.safe_dump(dict(document), sort_keys=False, allow_unicode=True, width=110)
    draft = path.with_suffix(".tmp")
    above, below = ("".join(f"# {line}".rstrip() + "\n" for line in part.splitlines()) for part in (heading, ending))
    draft.write_text(above + text + below, encoding="utf-8")
    draft.replace(path)


def _override(document: dict[str, Any], name: str, value: str) -> None:
    import yaml

    *sections, key = name.removeprefix(PREFIX).lower().split("__")
    place = document
    for section in sections:
        place = place.setdefault(section, {})
        if not isinstance(place, dict):
            raise ConfigError("This variable names no setting.", where=name, next_step="see `riskloop schema`")
    try:
        place[key] = yaml.safe_load(value)
    except (yaml.YAMLError, ValueError) as error:
        raise ConfigError(f"{value!r} is not a YAML value.", where=name, next_step="put it in quotes") from error
