"""The site: pages and what they link to are laid out in ``build/pages``; Zensical makes ``build/site`` of them.

Pages lie in ``docs/``. What they link to elsewhere in the repository (results, other documents, files of examples)
comes along under ``repository/``, so that every link of the site leads somewhere.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path, PurePosixPath
from typing import Any

import yaml

ROOT = Path(__file__).parents[1]
CONFIG = "mkdocs.yml"
_LINK = re.compile(r"`+[^`]*`+|(?P<before>!?\[(?:[^\]\\]|\\.)*\]\()(?P<target>[^)\s]+)(?P<after>(?:\s+\"[^\"]*\")?\))")
_FENCE = re.compile(r"^\s*(?:`{3,}|~{3,})")
_COLOUR = re.compile(r"\x1b\[[0-9;]*m")
_ELSEWHERE = re.compile(r"^(?:[a-z][a-z0-9+.-]*:|#|/)", re.IGNORECASE)


class BrokenPage(Exception):
    """A page that cannot be put on the site, with its place."""


def build(root: Path = ROOT, out: Path | None = None) -> Path:
    """Lay out the pages and make the site; warnings are errors.

    Returns
    -------
    Path
        The folder of the site, ``build/site`` unless another is named.

    Raises
    ------
    BrokenPage
        If a page links to a file that is not there, or stands nowhere in the navigation.
    """
    out = out or root / "build"
    lay_out(root, out)
    done = subprocess.run(
        [sys.executable, "-m", "zensical", "build", "--clean", "--strict", "--config-file", CONFIG],
        cwd=out,
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        said = done.stdout + done.stderr.partition("Traceback")[0]
        raise BrokenPage(f"The site cannot be built:\n{_COLOUR.sub('', said)}")
    return out / "site"


def lay_out(root: Path, out: Path) -> None:
    """Write ``pages/`` and ``mkdocs.yml`` into a folder."""
    shutil.rmtree(out / "pages", ignore_errors=True)
    waiting = [path for path in sorted((root / "docs").rglob("*")) if path.is_file()]
    taken = set(waiting)
    while waiting:
        path = waiting.pop()
        place = out / "pages" / _place(path.relative_to(root))
        place.parent.mkdir(parents=True, exist_ok=True)
        if path.suffix != ".md":
            shutil.copy(path, place)
            continue
        text, linked = _relinked(path, root)
        place.write_text(text, encoding="utf-8")
        waiting += sorted(linked - taken)
        taken |= linked
    config = yaml.safe_load((root / CONFIG).read_text(encoding="utf-8"))
    config["nav"] = list(_navigation(config["nav"], out / "pages"))
    named = set(_pages(config["nav"]))
    lost = sorted({path.relative_to(root / "docs").as_posix() for path in taken if _is_page(path, root)} - named)
    if lost:
        raise BrokenPage(f"{CONFIG}: no way leads to {', '.join(lost)}")
    (out / CONFIG).write_text(yaml.safe_dump(config, sort_keys=False, allow_unicode=True), encoding="utf-8")


def _is_page(path: Path, root: Path) -> bool:
    return path.suffix == ".md" and path.is_relative_to(root / "docs")


def _place(path: Path) -> PurePosixPath:
    """Where a file of the repository lies among the pages."""
    parts = path.parts
    return PurePosixPath(*parts[1:]) if parts[0] == "docs" else PurePosixPath("repository", *parts)


def _relinked(path: Path, root: Path) -> tuple[str, set[Path]]:
    """The text with its links as they are on the site, and the files outside ``docs/`` that it links to."""
    linked: set[Path] = set()

    def new(target: str, number: int) -> str:
        if _ELSEWHERE.match(target):
            return target
        name, mark, anchor = target.partition("#")
        found = Path(os.path.normpath(path.parent / name))
        if found.is_dir() and (found / "README.md").is_file():
            found /= "README.md"
        if not found.is_file() or not found.is_relative_to(root):
            raise BrokenPage(f"{path.relative_to(root)}:{number}: {target} is not there")
        if not found.is_relative_to(root / "docs"):
            linked.add(found)
        here = _place(path.relative_to(root)).parent
        return os.path.relpath(_place(found.relative_to(root)), here) + mark + anchor

    def in_prose(text: str, first: int) -> str:
        def one(found: re.Match[str]) -> str:
            if found["before"] is None:
                return found[0]  # code
            number = first + text.count("\n", 0, found.start("target"))
            return found["before"] + new(found["target"], number) + found["after"]

        return _LINK.sub(one, text)

    return "".join(part if code else in_prose(part, first) for part, first, code in _parts(path)), linked


def _parts(path: Path) -> Iterator[tuple[str, int, bool]]:
    """Prose and fenced code by turns: the text, its first line from 1, and whether it is code."""
    held, first, fenced = [], 1, False
    for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(keepends=True), 1):
        held.append(line)
        if _FENCE.match(line):
            yield "".join(held), first, fenced
            held, first, fenced = [], number + 1, not fenced
    yield "".join(held), first, fenced


def _navigation(entries: Iterable[Any], pages: Path) -> Iterator[Any]:
    """The navigation with folders as the pages in them; what is not there yet is left out."""
    for entry in entries:
        title, target = next(iter(entry.items())) if isinstance(entry, dict) else (None, entry)
        if isinstance(target, list):
            below = list(_navigation(target, pages))
        elif target.endswith("/"):
            below = list(_folder(pages / target, pages))
        elif (pages / target).is_file():
            yield {title: target} if title else target
            continue
        else:
            continue
        if title is None:
            yield from below
        elif below:
            yield {title: below}


def _folder(folder: Path, pages: Path) -> Iterator[Any]:
    """A folder's pages by name, its own page first, and then its folders."""
    found = sorted(folder.glob("*.md"), key=lambda path: (path.stem not in ("index", "README"), path.name))
    for path in found:
        name = path.relative_to(pages).as_posix()
        yield name if path.stem in ("index", "README") else {_title(path): name}
    for below in sorted(path for path in folder.iterdir() if path.is_dir()) if folder.is_dir() else ():
        inside = list(_folder(below, pages))
        if inside:
            yield {below.name.replace("-", " ").capitalize(): inside}


def _title(path: Path) -> str:
    """The page's own, without marks and without what follows a colon."""
    first = next((line for line in path.read_text(encoding="utf-8").splitlines() if line.startswith("# ")), path.stem)
    return re.sub(r"[`*]", "", first.removeprefix("# ")).partition(":")[0].strip()


def _pages(navigation: Iterable[Any]) -> Iterator[str]:
    for entry in navigation:
        target = next(iter(entry.values())) if isinstance(entry, dict) else entry
        yield from _pages(target) if isinstance(target, list) else [target]
