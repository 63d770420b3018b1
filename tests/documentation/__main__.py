"""``python -m tests.documentation``: how many blocks of each page are run, how many are shown only."""

from __future__ import annotations

from collections import Counter

from tests.documentation.pages import RUN, all_pages


def main() -> None:
    """Print a line per page with commands, and the sum."""
    total: Counter[str] = Counter()
    for page in all_pages():
        counts = Counter("run" if block.language in RUN else block.language for block in page.blocks)
        total += counts
        if counts["run"] or counts["sh"]:
            print(f"{page.name}: {counts['run']} run, {counts['sh']} need more than a test has")
    print(f"together: {total['run']} run, {total['sh']} need more; {total['yaml']} fragments of YAML")


if __name__ == "__main__":
    main()
