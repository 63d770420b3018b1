"""Fuzzing: the targets hold for what they begin with, and a second breaks nothing; ``make fuzz`` goes on for longer."""

from __future__ import annotations

import importlib.util
import subprocess
import sys
from pathlib import Path

import pytest

from fuzzing import sample
from fuzzing.connection import conversations, spoken
from fuzzing.targets import targets

ROOT = Path(__file__).parents[2]
ATHERIS = importlib.util.find_spec("atheris") is not None


@pytest.mark.parametrize("name", targets())
def test_a_target_holds_for_its_seeds_and_for_nothing(name):
    read, seeds = targets()[name]
    for seed in (*seeds, b""):
        read(seed)


def test_a_conversation_is_heard():
    sent = b"POST /predict HTTP/1.1\r\nContent-Length: %d\r\n\r\n%s" % (len(sample.body()), sample.body())
    heard, answers = spoken(conversations(b"\0" + sent), knows_heads=True)
    assert [request[-1] for request in heard] == [sample.body()] * 2
    assert answers == [b"HTTP/1.1 200 OK"] * 2


@pytest.mark.skipif(not ATHERIS, reason="atheris has no wheel for this system")
def test_a_second_of_fuzzing_breaks_nothing_and_a_stranger_is_refused(tmp_path):
    def fuzz(target):
        program = [sys.executable, "-m", "fuzzing", target, "--seconds", "1", "--corpus", str(tmp_path)]
        return subprocess.run(program, cwd=ROOT, capture_output=True, text=True, check=False)

    done = fuzz("outcomes")
    assert done.returncode == 0, done.stdout + done.stderr
    assert "Done" in done.stdout
    assert fuzz("nonsense").returncode == 2
