"""The scenarios by name."""

from __future__ import annotations

from riskloop.data.contract import did_you_mean
from riskloop.data.simulate.churn import CHURN
from riskloop.data.simulate.loan import LOAN
from riskloop.data.simulate.scenario import Scenario
from riskloop.errors import UsageError

SCENARIOS = {scenario.name: scenario for scenario in (CHURN, LOAN)}


def scenario_named(name: str) -> Scenario:
    """The scenario of that name.

    Raises
    ------
    UsageError
        If there is none.
    """
    if name not in SCENARIOS:
        raise UsageError(
            f"There is no scenario {name!r}{did_you_mean(name, SCENARIOS)}",
            where="scenario",
            next_step=f"choose one of: {', '.join(SCENARIOS)}",
        )
    return SCENARIOS[name]
