"""The checks of `make check` notice what they are there for, and let pass what is in order."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from checks import licences, secrets, security

MADE_UP = {
    "a private key": "-----BEGIN " + "EC PRIVATE KEY-----",
    "a key of riskloop's service": "rk_" + "a1B2" * 10,
    "an access key of AWS": "AKIA" + "ABCDEFGHIJKLMNOP",
    "a token of GitHub": "ghp_" + "a" * 36,
    "a token of Slack": "xoxb-" + "1234567890-abcdefghij",
    "a token of PyPI": "pypi-" + "A" * 60,
    "a password in an address": "postgresql://risk:" + "Tr0ub4dor@db/churn",
}


@pytest.mark.parametrize("what", sorted(MADE_UP))
def test_each_kind_of_secret_is_noticed_and_not_repeated(what: str, tmp_path: Path) -> None:
    subprocess.run(["git", "init", "-q", tmp_path], check=True)
    (tmp_path / "notes.txt").write_text(f"first\nsecond {MADE_UP[what]}\n")
    subprocess.run(["git", "-C", tmp_path, "add", "notes.txt"], check=True)
    assert list(secrets.look(tmp_path)) == [f"notes.txt:2: {what}"]


def test_every_kind_has_a_test() -> None:
    assert set(MADE_UP) == set(secrets.FORMS)


def test_a_file_of_secrets_is_noticed_by_its_name(tmp_path: Path) -> None:
    subprocess.run(["git", "init", "-q", tmp_path], check=True)
    (tmp_path / ".env").write_text("")
    subprocess.run(["git", "-C", tmp_path, "add", ".env"], check=True)
    assert list(secrets.look(tmp_path)) == [".env: a file that holds secrets"]


@pytest.mark.parametrize(
    "harmless",
    [
        b"postgresql+psycopg://riskloop@postgres/riskloop",
        b"postgresql://user:password@host/name",
        b"url = f'{scheme}://{user}:{word}@{host}'",
        b"rk_viewer",
        b"\xff\xfe not text",
    ],
)
def test_what_is_no_secret_passes(harmless: bytes) -> None:
    assert list(secrets.in_text(harmless)) == []


def test_a_dangerous_call_is_noticed(tmp_path: Path) -> None:
    (tmp_path / "lib").mkdir()
    (tmp_path / "lib" / "bad.py").write_text("import pickle\n\ndef read(raw):\n    return pickle.loads(raw)\n")
    found = list(security.look(tmp_path, "lib"))
    assert [line.split(" ")[1] for line in found] == ["B403", "B301"]
    assert found[1].startswith("lib/bad.py:4:")


@pytest.mark.parametrize(
    ("expression", "free"),
    [
        ("MIT", True),
        ("Apache-2.0 OR GPL-3.0-only", True),
        ("MPL-2.0 AND MIT", True),
        ("MIT AND GPL-3.0-only", False),
        ("(Apache-2.0 OR MIT) AND BSD-3-Clause", True),
        ("AGPL-3.0-or-later", False),
        ("Proprietary", False),
    ],
)
def test_licences_are_read_as_expressions(expression: str, free: bool) -> None:
    assert licences.free(expression) is free


def test_a_package_that_says_nothing_is_to_be_read() -> None:
    assert list(licences._of("no-such-package-here", "")) == [
        "no-such-package-here is not installed: run make install-dev"
    ]
    assert list(licences._of("pywin32", "sys_platform == 'win32'")) == []
