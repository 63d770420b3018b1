"""Run every check; exit code 1 if one finds something."""

from __future__ import annotations

import sys
from pathlib import Path

from checks import licences, secrets, security

ROOT = Path(__file__).parents[1]


def main() -> int:
    """Print what was found, with its place."""
    found = [*security.look(ROOT), *secrets.look(ROOT), *licences.look(ROOT)]
    print(*found, sep="\n", end="\n" if found else "")
    print(f"security, secrets, licences: {len(found) or 'nothing'} found")
    return bool(found)


if __name__ == "__main__":
    sys.exit(main())
