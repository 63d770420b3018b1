"""Secrets that were committed: keys and tokens have forms of their own, and those are looked for in every file."""

from __future__ import annotations

import re
import subprocess
from collections.abc import Iterator
from pathlib import Path

FORMS = {
    "a private key": re.compile(r"-----BEGIN (?:[A-Z0-9]+ )*PRIVATE KEY-----"),
    "a key of riskloop's service": re.compile(r"\brk_[A-Za-z0-9_-]{30,}"),
    "an access key of AWS": re.compile(r"\b(?:AKIA|ASIA)[0-9A-Z]{16}\b"),
    "a token of GitHub": re.compile(r"\b(?:gh[pousr]_[A-Za-z0-9]{36,}|github_pat_[A-Za-z0-9_]{60,})"),
    "a token of Slack": re.compile(r"\bxox[abeprs]-[A-Za-z0-9-]{20,}|hooks\.slack\.com/services/T[A-Z0-9]{6,}/B"),
    "a token of PyPI": re.compile(r"\bpypi-[A-Za-z0-9_-]{50,}"),
    "a password in an address": re.compile(r"\b[a-z][a-z0-9+]*://[^\s:/@'\"{}$<>]+:(?P<word>[^\s:/@'\"{}$<>]{3,})@"),
}
HARMLESS = re.compile(r"^(?:password|secret|pass|pw|unused|x+|\*+|\.+|hunter2\w*|made-up)$", re.IGNORECASE)
NAMES = re.compile(r"(?:^|/)(?:signing\.key|session\.secret|\.env|id_(?:rsa|ed25519)|\.pgpass|.*\.p12)$")


def look(root: Path) -> Iterator[str]:
    """What is wrong, a line each; the secret itself is not repeated."""
    listed = subprocess.run(["git", "ls-files", "-z"], cwd=root, capture_output=True, text=True, check=True)
    for name in filter(None, listed.stdout.split("\0")):
        if NAMES.search(name):
            yield f"{name}: a file that holds secrets"
        path = root / name
        if path.is_file():
            yield from (f"{name}:{line}: {what}" for line, what in in_text(path.read_bytes()))


def in_text(content: bytes) -> Iterator[tuple[int, str]]:
    """Lines that hold a secret, and of what kind."""
    for number, line in enumerate(content.decode("utf-8", "replace").splitlines(), 1):
        for what, form in FORMS.items():
            found = form.search(line)
            if found and not HARMLESS.match(found.groupdict().get("word") or ""):
                yield number, what
