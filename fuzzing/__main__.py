"""Fuzz what reads bytes from elsewhere: ``python -m fuzzing [TARGET ...] [--seconds 60] [--corpus FOLDER]``.

Each target runs in a process of its own, led by coverage (Atheris). What is worth going on from is kept in the corpus;
bytes that break something are written to the current folder and fail the run: add them to a test.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

from fuzzing.targets import WORDS, targets


def main() -> int:
    """Fuzz one after the other; 1 if any broke."""
    parser = argparse.ArgumentParser(prog="python -m fuzzing", description=__doc__)
    parser.add_argument(
        "targets", nargs="*", metavar="TARGET", help="body, table, outcomes, connection, bundle; default: all"
    )
    parser.add_argument("--seconds", type=int, default=60, help="for each")
    parser.add_argument("--corpus", type=Path, help="a folder that keeps what was found worth going on from")
    args = parser.parse_args()
    known = targets()
    if strangers := sorted(set(args.targets) - set(known)):
        parser.error(f"no such target: {', '.join(strangers)}; there are {', '.join(known)}")
    with tempfile.TemporaryDirectory() as passing:
        corpus = args.corpus or Path(passing)
        broken = [name for name in args.targets or known if _fuzz(name, args.seconds, corpus / name, known[name].seeds)]
    for name in broken:
        print(f"{name}: broken; the bytes are in the file that is named above", file=sys.stderr)
    return bool(broken)


def _fuzz(name: str, seconds: int, folder: Path, seeds: Sequence[bytes]) -> bool:
    folder.mkdir(parents=True, exist_ok=True)
    for number, seed in enumerate(seeds):
        (folder / f"seed-{number}").write_bytes(seed)
    words = folder.with_suffix(".words")
    words.write_text("".join(f'"{_escaped(word)}"\n' for word in WORDS), encoding="ascii")
    limits = [f"-max_total_time={seconds}", "-timeout=10", "-rss_limit_mb=2048", "-max_len=8192", f"-dict={words}"]
    program = [sys.executable, "-m", "fuzzing.one", name, *limits, f"-artifact_prefix={name}-", str(folder)]
    print(f"{name}: {seconds} s")
    run = subprocess.run(program, check=False, capture_output=True, text=True, errors="replace")
    print(run.stderr + run.stdout if run.returncode else f"  {run.stderr.strip().splitlines()[-1]}", flush=True)
    return run.returncode != 0


def _escaped(word: str) -> str:
    return "".join(f"\\x{byte:02x}" for byte in word.encode())


if __name__ == "__main__":
    sys.exit(main())
