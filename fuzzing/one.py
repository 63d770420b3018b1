"""One target, until it breaks or its time is over; the rest of the command line is libFuzzer's."""

from __future__ import annotations

import logging
import sys

import atheris

with atheris.instrument_imports(include=["riskloop"]):
    from fuzzing.targets import targets


def main() -> None:
    """Never returns: libFuzzer ends the process."""
    logging.disable()
    name = sys.argv.pop(1)
    atheris.Setup(sys.argv, targets()[name].read)
    atheris.Fuzz()


if __name__ == "__main__":
    main()
