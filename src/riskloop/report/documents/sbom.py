"""What a version runs on: a bill of materials of riskloop's installed distributions (CycloneDX 1.6, JSON)."""

from __future__ import annotations

import hashlib
import json
import re
import uuid
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from importlib.metadata import Distribution, PackageNotFoundError, distribution
from typing import Any
from urllib.parse import quote

from riskloop.errors import RiskloopError

ROOT = "riskloop"
_REQUIREMENT = re.compile(
    r"\s*(?P<name>[A-Za-z0-9][A-Za-z0-9._-]*)\s*(\[(?P<extras>[^\]]*)\])?(?P<rest>[^;]*)(;(?P<marker>.*))?"
)
_EXTRA = re.compile(r"""extra\s*==\s*["']([^"']+)["']""")
_LONGEST_LICENCE = 60


@dataclass(frozen=True)
class Component:
    """An installed distribution. ``licence`` is an SPDX expression if ``spdx``, else a bare name; empty if unknown."""

    name: str
    version: str
    licence: str
    spdx: bool
    needs: tuple[str, ...]

    @property
    def purl(self) -> str:
        return f"pkg:pypi/{normalised(self.name)}@{quote(self.version, safe='.-_~')}"

    def to_dict(self) -> dict[str, Any]:
        """A component of CycloneDX."""
        fields = {"type": "library", "bom-ref": self.purl, "name": self.name, "version": self.version}
        if self.licence:
            licence = {"expression": self.licence} if self.spdx else {"license": {"name": self.licence}}
            return {**fields, "licenses": [licence], "purl": self.purl}
        return {**fields, "purl": self.purl}


def components(root: str = ROOT) -> tuple[Component, ...]:
    """A distribution and all that it needs, as far as installed, by name.

    What a requirement asks for under a condition of the platform is taken as asked for if it is installed; the extras
    of the root are followed where they are installed, those of others where they are asked for.

    Raises
    ------
    RiskloopError
        If the root is not installed as a distribution.
    """
    found = _installed(root)
    if found is None:
        raise RiskloopError(
            f"{root} is not installed as a package: what it runs on cannot be listed.",
            where="components",
            next_step="install it: make install",
        )
    extras = set(found.metadata.get_all("Provides-Extra") or ())
    known: dict[str, Component] = {}
    asked = {normalised(root): extras}
    waiting = [normalised(root)]
    while waiting:
        name = waiting.pop()
        here = _installed(name)
        if here is None:
            continue
        needs = []
        for needed, wanted in _required(here, asked[name]):
            if _installed(needed) is None:
                continue
            needs.append(needed)
            before = asked.get(needed)
            if before is None or not wanted <= before:
                asked[needed] = (before or set()) | wanted
                waiting.append(needed)
        known[name] = _component(here, tuple(sorted(set(needs))))
    return tuple(known[name] for name in sorted(known))


def _installed(name: str) -> Distribution | None:
    try:
        return distribution(name)
    except PackageNotFoundError:
        return None


def _required(found: Distribution, extras: set[str]) -> Iterator[tuple[str, set[str]]]:
    """Names that a distribution needs under these extras of its own, with the extras it asks of them."""
    for text in found.requires or ():
        match = _REQUIREMENT.match(text)
        if match is None:
            continue
        only_for = set(_EXTRA.findall(match["marker"] or ""))
        if only_for and not only_for & extras:
            continue
        asked = {one.strip() for one in (match["extras"] or "").split(",") if one.strip()}
        yield normalised(match["name"]), asked


def _component(found: Distribution, needs: tuple[str, ...]) -> Component:
    licence, spdx = _licence(found)
    return Component(found.metadata["Name"], found.version, licence, spdx, needs)


def _licence(found: Distribution) -> tuple[str, bool]:
    expression = _field(found, "License-Expression")
    if expression:
        return expression, True
    classified = [
        one.rpartition(" :: ")[2]
        for one in found.metadata.get_all("Classifier") or ()
        if one.startswith("License :: ") and not one.endswith("OSI Approved")
    ]
    if classified:
        return ", ".join(sorted(classified)), False
    text = " ".join(_field(found, "License").split())
    return (text, False) if 0 < len(text) <= _LONGEST_LICENCE else ("", False)


def _field(found: Distribution, name: str) -> str:
    return next(iter(found.metadata.get_all(name) or ()), "")


def normalised(name: str) -> str:
    """A name as package indexes compare it."""
    return re.sub(r"[-_.]+", "-", name).lower()


def bill_of_materials(
    project: str, version: int, digest: str, files: Mapping[str, str], parts: tuple[Component, ...]
) -> dict[str, Any]:
    """The bill: the version's bundle with its files, and the distributions it runs on.

    The same parts are the same bytes: no times, and a serial number that follows from the content.

    Parameters
    ----------
    digest : str
        SHA-256 of the bundle's manifest.
    files : mapping of str to str
        SHA-256 of the bundle's files.
    """
    bundle, system = f"bundle:{digest}", f"project:{project}:{version}"
    refs = {normalised(one.name): one.purl for one in parts}
    model = {
        "type": "machine-learning-model",
        "bom-ref": bundle,
        "name": f"{project} bundle",
        "version": str(version),
        "hashes": [_sha256(digest)],
        "components": [
            {"type": "file", "bom-ref": f"{bundle}/{name}", "name": name, "hashes": [_sha256(each)]}
            for name, each in sorted(files.items())
        ],
    }
    content = {
        "metadata": {
            "component": {"type": "application", "bom-ref": system, "name": project, "version": str(version)},
        },
        "components": [model, *(one.to_dict() for one in parts)],
        "dependencies": [
            {"ref": system, "dependsOn": [bundle]},
            {"ref": bundle, "dependsOn": [refs[ROOT]] if ROOT in refs else []},
            *({"ref": one.purl, "dependsOn": [refs[name] for name in one.needs if name in refs]} for one in parts),
        ],
    }
    told = hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()
    serial = uuid.uuid5(uuid.NAMESPACE_OID, told)
    return {
        "bomFormat": "CycloneDX",
        "specVersion": "1.6",
        "serialNumber": f"urn:uuid:{serial}",
        "version": 1,
        **content,
    }


def _sha256(digest: str) -> dict[str, str]:
    return {"alg": "SHA-256", "content": digest}
