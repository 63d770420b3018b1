"""Run every check; exit code 1 if one finds something."""

from __future__ import annotations

import sys
from pathlib import Path

from checks import licences, secrets, security, site
from documentation import site as pages

ROOT = Path(__file__).parents[1]


def main() -> int:
    """Print what was found, with its place."""
    found = [*security.look(ROOT), *secrets.look(ROOT), *licences.look(ROOT), *_documentation()]
    print(*found, sep="\n", end="\n" if found else "")
    print(f"security, secrets, licences, documentation: {len(found) or 'nothing'} found")
    return bool(found)


def _documentation() -> list[str]:
    """What is wrong with the site, once it is built."""
    try:
        built = pages.build(ROOT)
    except pages.BrokenPage as error:
        return [str(error)]
    beyond = sorted(site.elsewhere(built))
    print(
        f"documentation: {len(beyond)} links lead out of the site (only their form is looked at)", *beyond, sep="\n  "
    )
    return list(site.look(built))


if __name__ == "__main__":
    sys.exit(main())
