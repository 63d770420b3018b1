"""riskloop.yaml is read once, with what the environment says instead."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from copy import deepcopy
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from riskloop.errors import ConfigError
from riskloop.settings.section import explained
from riskloop.settings.settings import Settings

FILE = "riskloop.yaml"
CONTRACT_FILE = "contract.yaml"
STATE = ".riskloop"
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
        raise _no_project(folder)
    return parse_settings(read_yaml(path), environ, where=str(path), path=path)


def project_above(folder: Path) -> Path | None:
    """The nearest folder above that is a project, as it is reached from here: ``..``, ``../..``."""
    there = folder.resolve()
    for steps, above in enumerate(there.parents, start=1):
        if (above / FILE).is_file():
            return folder.joinpath(*[".."] * steps)
    return None


def parse_settings(
    document: Any, environ: Mapping[str, str] | None = None, *, where: str = FILE, path: Path | None = None
) -> Settings:
    """Check a parsed document; see `load_settings`.

    Parameters
    ----------
    path : Path, optional
        The file that it was read from, so that errors name the line.
    """
    if not isinstance(document, dict):
        raise ConfigError(
            "The file holds no settings.",
            where=where,
            next_step="bring it back, or write it anew: `riskloop init --data FILE --target COLUMN --overwrite`",
        )
    document = {key: value for key, value in deepcopy(document).items() if value is not None}
    for name, value in sorted((environ or {}).items()):
        if name.startswith(PREFIX):
            _override(document, name, value)
    try:
        return Settings.model_validate(document)
    except ValidationError as error:
        raise explained(error, Settings, lambda keys: _place(keys, environ or {}, where, path)) from error


def _no_project(folder: Path) -> ConfigError:
    above = project_above(folder)
    step = "run `riskloop init --data FILE --target COLUMN`, or name the project with --project"
    if above is not None:
        step = f"the project begins further up: add --project {above}"
    elif (folder / STATE).is_dir():
        step = f"bring it back: {STATE} holds the state of a project; or run `riskloop init` again"
    return ConfigError(f"There is no {FILE} here.", where=str(folder), next_step=step)


def _place(keys: Sequence[str], environ: Mapping[str, str], where: str, path: Path | None) -> str:
    """The variable or the line that says so."""
    variables = {PREFIX + "__".join(keys[:depth]).upper() for depth in range(1, len(keys) + 1)}
    if said := sorted(variables & set(environ), key=len):
        return said[-1]
    line = _line(keys, path) if path else None
    return f"{where}, line {line}" if line else where


def _line(keys: Sequence[str], path: Path) -> int | None:
    """Where a setting stands, or the nearest one above it."""
    import yaml

    try:
        node = yaml.compose(path.read_text(encoding="utf-8-sig"), Loader=yaml.SafeLoader)
    except (OSError, ValueError, yaml.YAMLError):
        return None
    line = None
    for key in keys:
        pairs = node.value if isinstance(node, yaml.MappingNode) else ()
        found = next(((name, value) for name, value in pairs if name.value == key), None)
        if found is None:
            break
        line, node = found[0].start_mark.line + 1, found[1]
    return line


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
            f"The file cannot be read: {error.strerror}.",
            where=str(path),
            next_step="bring it back, or write it anew: `riskloop init --data FILE --target COLUMN --overwrite`",
        ) from error
    except UnicodeDecodeError as error:
        raise ConfigError("The file is not UTF-8 text.", where=str(path), next_step="save it as UTF-8") from error
    except (yaml.YAMLError, ValueError, RecursionError) as error:
        raise _no_yaml(path, error) from error


def _no_yaml(path: Path, error: Exception) -> ConfigError:
    mark, problem = getattr(error, "problem_mark", None), getattr(error, "problem", None)
    place = f"{path}, line {mark.line + 1}, column {mark.column + 1}" if mark else str(path)
    words = problem or " ".join(str(error).split())
    step = "correct that line or the one above; YAML takes spaces and no tabs, and a colon after every name"
    return ConfigError(f"The file is not valid YAML: {words}.", where=place, next_step=step)


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
