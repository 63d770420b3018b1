"""Licences of what riskloop runs on: each package of the locks lets a bank use the whole, and pass it on."""

from __future__ import annotations

import re
from collections.abc import Iterator
from importlib.metadata import Distribution, PackageNotFoundError, distribution
from pathlib import Path

LOCKS = ("requirements.lock", "requirements-serve.lock")
FREE = frozenset(
    {
        *("MIT", "MIT-0", "MIT-CMU", "BSD-2-Clause", "BSD-3-Clause", "0BSD", "ISC", "Apache-2.0", "PSF-2.0", "Zlib"),
        *("CC0-1.0", "Python-2.0", "Unlicense"),
        # Weak: whoever changes these files passes the changes on; what merely uses them is free.
        *("MPL-2.0", "LGPL-3.0-only"),
    }
)
CALLED = {
    "MIT License": "MIT",
    "BSD License": "BSD-3-Clause",
    "3-Clause BSD License": "BSD-3-Clause",
    "Apache Software License": "Apache-2.0",
    "Apache License, Version 2.0": "Apache-2.0",
    "Python Software Foundation License": "PSF-2.0",
    "ISC License (ISCL)": "ISC",
    "Mozilla Public License 2.0 (MPL 2.0)": "MPL-2.0",
}
SEEN = {"huey": "MIT", "skops": "MIT"}
"""Read by a person where the package itself does not say."""
_PINNED = re.compile(r"^([A-Za-z0-9._-]+)==\S+(?: ; (.*?))?\s*\\?$")
_ELSEWHERE = re.compile(r"win32|os_name == 'nt'|platform_system == 'Windows'|darwin|python_full_version|emscripten")


def look(root: Path) -> Iterator[str]:
    """What is wrong, a line each."""
    for lock in LOCKS:
        for line in (root / lock).read_text().splitlines():
            found = _PINNED.match(line)
            if found:
                yield from (f"{lock}: {said}" for said in _of(found.group(1), found.group(2) or ""))


def _of(name: str, marker: str) -> Iterator[str]:
    try:
        said = licence(distribution(name))
    except PackageNotFoundError:
        if not _ELSEWHERE.search(marker):
            yield f"{name} is not installed: run make install-dev"
        return
    if not said:
        yield f"{name} does not say its licence: read it, and add it to SEEN"
    elif not free(said):
        yield f"{name} is under {said}"


def licence(found: Distribution) -> str:
    """The licence as an SPDX expression, as far as the package says it."""
    name = found.metadata["Name"].lower()
    if name in SEEN:
        return SEEN[name]
    told = found.metadata.get("License-Expression") or ""
    if told:
        return told
    classified = [
        text.split(" :: ")[-1] for text in found.metadata.get_all("Classifier") or () if text.startswith("License ::")
    ]
    plain = [CALLED.get(text, text) for text in classified if text != "OSI Approved"]
    if plain:
        return " OR ".join(plain)
    first = (found.metadata.get("License") or "").strip().splitlines()
    return CALLED.get(first[0], first[0]) if first else ""


def free(expression: str) -> bool:
    """Whether an SPDX expression leaves us free: every part of AND, one of OR."""
    words = expression.replace("(", " ").replace(")", " ")
    return all(
        any(choice.strip().split(" WITH ")[0] in FREE for choice in part.split(" OR ")) for part in words.split(" AND ")
    )
