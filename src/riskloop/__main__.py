"""`python -m riskloop`."""

from riskloop.cli.app import run

run()
