"""`make package`: the wheel and the source archive, built twice, looked into, installed and used.

Two copies of the sources, in folders of different names and with files of different times, must give the same bytes.
The wheel holds what runs (templates, migrations, py.typed) and nothing of tests, documentation or benchmarks. Installed
alone, beside what serving needs, it says its version and holds nothing that trains; and a type checker sees its types.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
import sys
import tarfile
import tempfile
import zipfile
from collections.abc import Sequence
from pathlib import Path

ROOT = Path(__file__).parents[1]
SOURCES = ("pyproject.toml", "README.md", "LICENSE", "src")
EPOCH = "1767225600"
"""2026-01-01: SOURCE_DATE_EPOCH of both builds."""
NEEDED = (
    "riskloop/py.typed",
    "riskloop/web/static/app.css",
    "riskloop/web/static/app.js",
    "riskloop/web/templates/frame.html.j2",
    "riskloop/report/templates/document.html.j2",
    "riskloop/report/documents/laws.json",
    "riskloop/keep/migrations/env.py",
    "riskloop/keep/migrations/script.py.mako",
    "riskloop/keep/migrations/versions/r0001_first.py",
)
STRANGERS = ("tests", "docs", "benchmarks", "deploy", "checks", "notebooks", "examples", ".git", ".venv")
CONSUMER = """
import riskloop
from riskloop import Costs, Problem

costs = Costs(fp=1.0, fn=10.0)
problem: Problem = riskloop.Problem("churned", "yes")
name: str = problem.target
reveal_type(costs.currency)
"""
MISUSE = """
from riskloop import Problem

name: int = Problem("churned", "yes").target
"""


def main() -> int:
    """Build, compare, look, install, use; 0 if all is as it must be."""
    with tempfile.TemporaryDirectory(prefix="riskloop-package-") as made:
        folder = Path(made)
        python = _builder(folder / "builder")
        first, second = (_build(python, folder / name) for name in ("one", "another place"))
        for mine, theirs in zip(first, second, strict=True):
            same = _digest(mine) == _digest(theirs)
            _must(same, f"{mine.name}: two builds give the same {mine.stat().st_size:,} bytes ({_digest(mine)[:16]})")
        wheel, archive = first
        _look(wheel, archive)
        _use(python, wheel, folder / "installed")
        _typed(python, wheel, folder / "consumer")
    return 0


def _builder(folder: Path) -> Path:
    """An interpreter with what builds, of hashes that are known."""
    subprocess.run([sys.executable, "-m", "venv", folder], check=True)
    python = folder / "bin" / "python"
    lock = ROOT / "deploy" / "requirements-build.lock"
    pip = [python, "-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--require-hashes", "-r", lock]
    subprocess.run(pip, check=True)
    return python


def _build(python: Path, folder: Path) -> tuple[Path, Path]:
    """Wheel and source archive of a copy of the sources, all files of it dated now."""
    folder.mkdir()
    for name in SOURCES:
        if (ROOT / name).is_dir():
            shutil.copytree(
                ROOT / name, folder / name, copy_function=shutil.copyfile, ignore=shutil.ignore_patterns("__pycache__")
            )
        else:
            shutil.copyfile(ROOT / name, folder / name)
    out = folder / "dist"
    environ = os.environ | {"SOURCE_DATE_EPOCH": EPOCH}
    build = [python, "-m", "hatchling", "build", "-t", "wheel", "-t", "sdist", "-d", out]
    subprocess.run(build, cwd=folder, env=environ, check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    return next(out.glob("*.whl")), next(out.glob("*.tar.gz"))


def _digest(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def _look(wheel: Path, archive: Path) -> None:
    with zipfile.ZipFile(wheel) as opened:
        held = set(opened.namelist())
        metadata = opened.read(next(name for name in held if name.endswith(".dist-info/METADATA"))).decode()
    _must(held >= set(NEEDED), "the wheel holds types, pages, documents and migrations", sorted(set(NEEDED) - held))
    sources = {str(path.relative_to(ROOT / "src")) for path in _tracked(ROOT / "src" / "riskloop")}
    _must(held >= sources, "the wheel holds every file of the package", sorted(sources - held)[:5])
    foreign = [name for name in held if not name.startswith(("riskloop/", "riskloop-"))]
    _must(not foreign, "the wheel holds nothing else", foreign[:5])
    for extra in ("serve", "train", "all", "postgres", "s3", "dask", "evidently", "ebm"):
        _must(f"Provides-Extra: {extra}\n" in metadata, f"there is riskloop[{extra}]")
    with tarfile.open(archive) as opened_too:
        inside = {name.partition("/")[2].partition("/")[0] for name in opened_too.getnames()}
    _must(inside.isdisjoint(STRANGERS), "the source archive holds what the wheel is built from", sorted(inside))


def _tracked(folder: Path) -> list[Path]:
    return [path for path in folder.rglob("*") if path.is_file() and "__pycache__" not in path.parts]


def _use(python: Path, wheel: Path, folder: Path) -> None:
    """In an environment that only serves."""
    uv = str(python.parent / "uv")
    subprocess.run([uv, "venv", "--quiet", "--python", sys.executable, folder], check=True)
    here = folder / "bin" / "python"
    install = [uv, "pip", "install", "--quiet", "--python", here]
    subprocess.run(
        [*install, "--require-hashes", "--no-deps", "-r", ROOT / "requirements-serve.lock"], check=True, cwd=folder
    )
    subprocess.run([*install, "--no-deps", wheel], check=True, cwd=folder)
    told = _said([folder / "bin" / "riskloop", "--version"], folder)
    _must(told.startswith("riskloop "), f"installed, it says {told.strip()}")
    _must("init" in _said([folder / "bin" / "riskloop", "--help"], folder), "installed, it helps")
    migrated = "from riskloop.keep.database import migration_sql; print(len(migration_sql('postgresql')))"
    _must(int(_said([here, "-c", migrated], folder)) > 1_000, "installed, it finds its migrations")
    page = "import riskloop.web.site, riskloop.report.page; from riskloop.web.templating import *"
    _said([here, "-c", page], folder)


def _typed(python: Path, wheel: Path, folder: Path) -> None:
    """Somebody's module, checked strictly against the installed wheel."""
    uv = str(python.parent / "uv")
    subprocess.run([uv, "venv", "--quiet", "--python", sys.executable, folder], check=True)
    here = folder / "bin" / "python"
    subprocess.run([uv, "pip", "install", "--quiet", "--no-deps", "--python", here, wheel], check=True, cwd=folder)
    checker = [sys.executable, "-m", "mypy", "--strict", "--python-executable", here, "--no-incremental"]
    for name, text, good in (("consumer.py", CONSUMER, True), ("misuse.py", MISUSE, False)):
        (folder / name).write_text(text)
        done = subprocess.run([*checker, name], cwd=folder, capture_output=True, text=True, check=False)
        words = "a type checker sees the types of the wheel" if good else "and minds what contradicts them"
        _must((done.returncode == 0) is good, words, [done.stdout])
        if good:
            _must('"builtins.str"' in done.stdout or '"str"' in done.stdout, "down to an attribute", [done.stdout])
        else:
            _must("Incompatible types" in done.stdout, "with the reason", [done.stdout])


def _said(command: Sequence[str | Path], folder: Path) -> str:
    environ = {"PATH": "/usr/bin:/bin", "HOME": str(folder)}
    return subprocess.run(command, check=True, cwd=folder, env=environ, stdout=subprocess.PIPE, text=True).stdout


def _must(true: bool, words: str, evidence: Sequence[str] = ()) -> None:
    if not true:
        raise SystemExit("\n".join([f"not so: {words}", *evidence]))
    print(words, flush=True)


if __name__ == "__main__":
    sys.exit(main())
