"""What the Dockerfile and the Compose file say, read so that it can be run as it stands, elsewhere."""

from __future__ import annotations

import json
import re
import shlex
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

HERE = Path(__file__).parent
_VARIABLE = re.compile(r"\$\{([A-Z_]+)(?::-([^}]*)|:\?([^}]*))?\}")
_LONG = re.compile(r"\\\n\s*")


@dataclass
class Stage:
    """One image of a Dockerfile: instructions in order, those of the stages it stands on first."""

    name: str
    steps: list[tuple[str, str]] = field(default_factory=list)

    def of(self, instruction: str) -> list[str]:
        return [text for name, text in self.steps if name == instruction]

    @property
    def command(self) -> list[str]:
        """What a container runs."""
        return list(json.loads(self.of("CMD")[-1]))

    @property
    def health(self) -> list[str]:
        """What says whether it is well."""
        return list(json.loads(self.of("HEALTHCHECK")[-1].partition("CMD ")[2]))


def stages(text: str) -> dict[str, Stage]:
    """The stages of a Dockerfile by name."""
    found: dict[str, Stage] = {}
    now = Stage("")
    lines = [line for line in text.splitlines() if not line.lstrip().startswith("#")]
    for line in _LONG.sub("", "\n".join(lines)).splitlines():
        instruction, _, rest = line.strip().partition(" ")
        if instruction == "FROM":
            base, _, name = rest.partition(" AS ")
            now = found[name] = Stage(name, list(found[base].steps) if base in found else [])
        elif instruction:
            now.steps.append((instruction, rest.strip()))
    return found


def interpolate(text: str, given: Mapping[str, str]) -> str:
    """``${NAME:-default}`` and ``${NAME:?why}`` as Compose reads them.

    Raises
    ------
    KeyError
        If a variable that is asked for is not given.
    """

    def value(found: re.Match[str]) -> str:
        name, default, why = found.groups()
        if name in given or default is None:
            if name not in given:
                raise KeyError(f"{name}: {why}")
            return given[name]
        return default

    return _VARIABLE.sub(value, text)


def environment_file(text: str) -> dict[str, str]:
    """``NAME=value`` lines."""
    lines = (line.partition("=") for line in text.splitlines() if line and not line.startswith("#"))
    return {name: value for name, _, value in lines}


def compose(given: Mapping[str, str] | None = None) -> dict[str, Any]:
    """The Compose file, with the variables of ``example.env`` unless others are given."""
    usual = environment_file((HERE / "example.env").read_text())
    told: dict[str, Any] = yaml.safe_load(interpolate((HERE / "compose.yaml").read_text(), usual | dict(given or {})))
    return told


def command_of(service: Mapping[str, Any]) -> list[str]:
    """The command of a service, as a list."""
    command = service["command"]
    return shlex.split(command) if isinstance(command, str) else list(command)
