"""``python -m documentation`` makes the reference pages anew; with ``site``, builds the site too."""

from __future__ import annotations

import sys

from documentation import site
from documentation.reference import PAGES

REFERENCE = site.ROOT / "docs" / "reference"


def main(arguments: list[str]) -> int:
    """Write what has changed, and say so."""
    if arguments not in ([], ["site"]):
        print("usage: python -m documentation [site]", file=sys.stderr)
        return 2
    REFERENCE.mkdir(exist_ok=True)
    for name, make in PAGES.items():
        path, text = REFERENCE / name, make()
        if not path.exists() or path.read_text(encoding="utf-8") != text:
            path.write_text(text, encoding="utf-8")
            print(f"wrote docs/reference/{name}")
    if arguments == ["site"]:
        try:
            print(site.build() / "index.html")
        except site.BrokenPage as error:
            print(error, file=sys.stderr)
            return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
