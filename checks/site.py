"""The built site of the documentation: every link inside leads somewhere, and no page loads anything from elsewhere."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote, urlsplit

LOADED = {
    "script": ("src",),
    "link": ("href",),
    "img": ("src", "srcset"),
    "source": ("src", "srcset"),
    "video": ("src", "poster"),
    "audio": ("src",),
    "iframe": ("src",),
    "object": ("data",),
    "embed": ("src",),
    "form": ("action",),
}
"""Attributes by which a page has something loaded, or sends something."""
_NAMED = frozenset({"next", "prev", "canonical", "alternate"})  # relations that load nothing
_IN_STYLE = re.compile(r"(?:@import\s+|url\()\s*[\"']?(?P<url>(?:https?:)?//[^\"')\s]+)")
_HOST = re.compile(r"^(?:localhost|127\.0\.0\.1|[a-z0-9-]+(?:\.[a-z0-9-]+)+)(?::\d+)?$", re.IGNORECASE)


@dataclass
class Page(HTMLParser):
    """What a page links to, what it has loaded, and which anchors it has."""

    links: list[str] = field(default_factory=list)
    loaded: list[str] = field(default_factory=list)
    anchors: set[str] = field(default_factory=set)
    styles: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        super().__init__(convert_charrefs=True)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = {name: value or "" for name, value in attrs}
        self.anchors |= {given[name] for name in ("id", "name") if given.get(name)}
        self.styles.append(given.get("style", ""))
        if tag == "a" and "href" in given:
            self.links.append(given["href"])
        if tag == "link" and set(given.get("rel", "").split()) & _NAMED:
            return
        for name in LOADED.get(tag, ()):
            if given.get(name):
                self.loaded += [part.split()[0] for part in given[name].split(", ")]


def look(site: Path) -> Iterator[str]:
    """What is wrong, a line each.

    Parameters
    ----------
    site : Path
        Folder of the built site.
    """
    pages = {path: read(path) for path in sorted(site.rglob("*.html"))}
    for path, page in pages.items():
        place = path.relative_to(site).as_posix()
        for target in page.loaded:
            if _foreign(target):
                yield f"{place}: loads {target}"
            elif not target.startswith(("data:", "#")) and not _file(target, path, site).is_file():
                yield f"{place}: {target} is not there"
        for found in (url for style in page.styles for url in _IN_STYLE.findall(style)):
            yield f"{place}: loads {found}"
        for target in page.links:
            yield from (f"{place}: {target} {wrong}" for wrong in _of_link(target, path, site, pages))
    for path in sorted(site.rglob("*.css")):
        for found in _IN_STYLE.findall(path.read_text(encoding="utf-8")):
            yield f"{path.relative_to(site).as_posix()}: loads {found}"


def read(path: Path) -> Page:
    """A page from its file."""
    page = Page()
    page.feed(path.read_text(encoding="utf-8"))
    return page


def elsewhere(site: Path) -> set[str]:
    """Links that lead out of the site; nobody asks whether they are there."""
    return {link for path in site.rglob("*.html") for link in read(path).links if _foreign(link)}


def _of_link(target: str, path: Path, site: Path, pages: dict[Path, Page]) -> Iterator[str]:
    address = urlsplit(target)
    if address.scheme in ("mailto", "javascript", "data"):
        return
    if _foreign(target):
        if address.scheme not in ("http", "https") or not _HOST.match(address.netloc):
            yield "is no address"
        return
    found = _file(target, path, site)
    if not found.is_file():
        yield "is not there"
    elif address.fragment and found in pages and unquote(address.fragment) not in pages[found].anchors:
        yield "has no such anchor"


def _foreign(target: str) -> bool:
    address = urlsplit(target)
    return bool(address.netloc) or address.scheme in ("http", "https", "ftp")


def _file(target: str, path: Path, site: Path) -> Path:
    """The file that an address within the site means."""
    name = unquote(urlsplit(target).path)
    if not name:
        return path
    found = (site / name.lstrip("/") if name.startswith("/") else path.parent / name).resolve()
    return found / "index.html" if found.is_dir() else found
