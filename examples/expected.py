"""Hold a trained example against its expected.yaml: `python ../expected.py` in the example's folder, after training."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

FILE = "expected.yaml"


@dataclass(frozen=True)
class Headline:
    """A headline number, as it is expected and as it was found.

    Attributes
    ----------
    name : str
    expected, found : float or str
    within : float
        How far a number may be off; 0 for words, of which the expected ones must be the beginning.
    """

    name: str
    expected: float | str
    found: float | str
    within: float = 0.0

    @property
    def holds(self) -> bool:
        if isinstance(self.expected, str) or isinstance(self.found, str):
            return str(self.found).startswith(str(self.expected))
        return abs(self.found - self.expected) <= self.within

    def __str__(self) -> str:
        expected, found = (one if isinstance(one, str) else f"{one:,.6g}" for one in (self.expected, self.found))
        tolerance = f" +- {self.within:g}" if self.within else ""
        return (
            f"{'as expected' if self.holds else 'OTHERWISE  '}  {self.name}: {found} (expected {expected}{tolerance})"
        )


def headlines(folder: Path) -> list[Headline]:
    """The headline numbers of the newest version that was trained in an example's folder.

    Raises
    ------
    riskloop.RiskloopError
        If the folder is no project.
    ValueError
        If nothing was trained yet, or expected.yaml names what no version has.
    """
    import yaml

    import riskloop

    expected = yaml.safe_load((folder / FILE).read_text(encoding="utf-8"))
    versions = riskloop.history(riskloop.open_project(folder)).versions
    if not versions:
        raise ValueError("nothing was trained here yet: run `riskloop train` first")
    newest = versions[-1]
    rows = {row["name"]: row for row in newest.summary["policies"]}
    found = newest.summary | {
        "status": newest.status,
        "test": {name: one["value"] for name, one in newest.metrics["metrics"].items()},
        "policies": {
            name: {"cost_per_thousand": row["cost_per_thousand"]["value"], "act_rate": row["act_rate"]}
            for name, row in rows.items()
        },
    }
    return list(_held(expected, found))


def _held(expected: Mapping[str, Any], found: Mapping[str, Any], above: str = "") -> Iterator[Headline]:
    for name, said in expected.items():
        path = f"{above}{name}"
        if name not in found:
            raise ValueError(f"{FILE} expects {path!r}, which no version has")
        if isinstance(said, Mapping) and "value" not in said:
            yield from _held(said, found[name], f"{path}.")
        elif isinstance(said, Mapping):
            yield Headline(path, said["value"], found[name], said["within"])
        else:
            yield Headline(path, said, found[name])


def main(folder: Path = Path()) -> int:
    """Print every headline; 1 if one does not hold."""
    held = headlines(folder)
    print(*held, sep="\n")
    return 0 if all(one.holds for one in held) else 1


if __name__ == "__main__":
    sys.exit(main())
