from __future__ import annotations

from typing import Any

import pytest

from riskloop.learn.evaluation.paired import PairedDifference
from riskloop.loop.project import Project
from riskloop.loop.retraining.settling import Settled, settle
from riskloop.wiring import open_project

BETTER = PairedDifference(-500.0, -800.0, -200.0, 0.001)
EVEN = PairedDifference(-50.0, -300.0, 200.0, 0.6)


def settled(project: Project, difference: PairedDifference | None, number: int = 2, **settings: Any) -> Settled:
    environ = {f"RISKLOOP__{name}": str(value) for name, value in settings.items()} | {"RISKLOOP_ACTOR": "ada"}
    opened = open_project(project.folder, environ)
    found = settle(opened, opened.versions.get(number), difference, reasons=("Drift does harm.",), customers=800)
    opened.engine.dispose()
    return found


def test_one_that_is_better_beyond_noise_leads_and_the_log_says_why(trained: Project) -> None:
    found = settled(trained, BETTER)
    assert (found.result, trained.promotions.state().champion) == ("promoted", 2)
    reason = trained.promotions.events()[-1].reason
    assert "Drift does harm." in reason
    assert "-500 [-800, -200] per 1,000 against the champion on the 800 newest customers" in reason


def test_with_four_eyes_it_waits_for_a_second_person(trained: Project) -> None:
    found = settled(trained, BETTER, GATE__FOUR_EYES=True)
    assert (found.result, trained.promotions.state().champion) == ("requested", 1)
    assert [event.version for event in trained.promotions.pending()] == [2]


@pytest.mark.parametrize("difference", [EVEN, None])
def test_one_that_is_not_better_for_sure_is_left_to_people(
    trained: Project, difference: PairedDifference | None
) -> None:
    found = settled(trained, difference)
    assert (found.result, trained.promotions.state().champion) == ("proposed", 1)
    assert "riskloop promote 2" in found.told


def test_or_it_challenges_where_that_is_asked_for(trained: Project) -> None:
    found = settled(trained, EVEN, RETRAINING__THEN="challenge", RETRAINING__SHARE=0.1)
    assert found.result == "challenging"
    state = trained.promotions.state()
    assert (state.champion, state.challenger) == (1, 2)
    assert trained.promotions.events()[-1].details["share"] == 0.1
    again = settled(trained, EVEN, RETRAINING__THEN="challenge")
    assert again.result == "proposed"
    assert "cannot challenge" in again.told


def test_nothing_leads_by_itself_where_that_is_forbidden(trained: Project) -> None:
    assert settled(trained, BETTER, RETRAINING__PROMOTE="never").result == "proposed"
    assert trained.promotions.state().champion == 1


def test_what_the_gate_refused_never_leads_however_cheap(trained: Project) -> None:
    found = settled(trained, BETTER, number=3)
    assert (found.result, trained.promotions.state().champion) == ("refused", 1)
    assert "roc_auc" in found.told
