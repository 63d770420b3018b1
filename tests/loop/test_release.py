from __future__ import annotations

import pytest

from riskloop.errors import BundleRefused, Conflict, GateRefused, NotFound, UsageError
from riskloop.loop.project import Project
from riskloop.loop.workflows.arms import arms_status, start_arms, stop_arms
from riskloop.loop.workflows.doctor import diagnose
from riskloop.loop.workflows.release import approve, promote, rollback
from riskloop.wiring import open_project

REFUSED = 3


def test_a_promotion_moves_the_aliases_with_it(trained: Project) -> None:
    event = promote(trained, 2, reason="cheaper")
    assert (event.kind, event.actor, event.reason, event.previous_version) == ("promoted", "ada", "cheaper", 1)
    assert trained.promotions.state().champion == 2
    assert trained.registry.aliases() == {"champion": 2, "previous": 1}


def test_the_leader_cannot_be_promoted_again(trained: Project) -> None:
    with pytest.raises(Conflict, match="champion already"):
        promote(trained, 1, reason="again")


def test_a_version_that_does_not_exist_cannot_lead(trained: Project) -> None:
    with pytest.raises(NotFound, match="no version 99"):
        promote(trained, 99, reason="why not")


def test_a_refused_version_leads_only_by_an_override_that_is_logged(trained: Project) -> None:
    with pytest.raises(GateRefused) as refused:
        promote(trained, REFUSED, reason="it looks fine")
    assert "roc_auc" in {check["name"] for check in refused.value.details["failed"]}
    assert trained.promotions.state().champion == 1
    event = promote(trained, REFUSED, reason="the board insists", override=True)
    assert (event.kind, event.reason, event.details["gate"]) == ("overridden", "the board insists", "refused")


def test_every_rollback_goes_further_back(trained: Project) -> None:
    promote(trained, 2, reason="cheaper")
    promote(trained, REFUSED, reason="the board insists", override=True)
    assert rollback(trained, reason="complaints").version == 2
    assert rollback(trained, reason="still complaints").version == 1
    with pytest.raises(NotFound, match="no previous champion"):
        rollback(trained, reason="even now")
    assert trained.registry.aliases()["champion"] == 1
    assert trained.promotions.verify().ok


def test_a_rollback_never_brings_back_a_refused_version(trained: Project) -> None:
    promote(trained, REFUSED, reason="the board insists", override=True)
    promote(trained, 2, reason="cheaper")
    for to in (None, REFUSED):
        with pytest.raises(GateRefused):
            rollback(trained, to, reason="complaints")
    assert trained.promotions.state().champion == 2
    assert rollback(trained, 1, reason="complaints").version == 1


def test_a_version_that_never_led_is_no_aim_of_a_rollback(trained: Project) -> None:
    with pytest.raises(NotFound, match="never been the champion"):
        rollback(trained, 2, reason="complaints")


def test_an_altered_bundle_cannot_lead_and_cannot_come_back(trained: Project) -> None:
    _alter(trained, 2)
    with pytest.raises(BundleRefused, match="altered"):
        promote(trained, 2, reason="cheaper")
    promote(trained, REFUSED, reason="the board insists", override=True)
    _alter(trained, 1)
    with pytest.raises(BundleRefused, match="altered"):
        rollback(trained, reason="complaints")
    assert trained.promotions.state().champion == REFUSED


def _alter(project: Project, version: int) -> None:
    path = project.locations.bundles / project.versions.get(version).bundle / "policy.json"
    path.write_bytes(path.read_bytes().replace(b'"threshold"', b'"Threshold"'))


def test_under_four_eyes_a_second_person_decides(trained: Project) -> None:
    strict = {"RISKLOOP__GATE__FOUR_EYES": "true"}
    ada, bo = (open_project(trained.folder, strict | {"RISKLOOP_ACTOR": name}) for name in ("ada", "bo"))
    asked = promote(ada, 2, reason="cheaper")
    assert (asked.kind, ada.promotions.state().champion) == ("requested", 1)
    with pytest.raises(GateRefused, match="ada cannot approve"):
        approve(ada, asked.seq)
    agreed = approve(bo, asked.seq, reason="checked")
    assert (agreed.kind, agreed.actor, agreed.approver) == ("promoted", "ada", "bo")
    assert ada.registry.aliases()["champion"] == 2


def test_without_mlflow_versions_are_promoted_all_the_same_and_doctor_mends_the_aliases(
    trained: Project, caplog: pytest.LogCaptureFixture
) -> None:
    away = open_project(trained.folder, {"MLFLOW_TRACKING_URI": "http://127.0.0.1:9"})
    promote(away, 2, reason="cheaper")
    assert away.promotions.state().champion == 2
    assert "riskloop doctor" in caplog.text
    sick = {one.name: one for one in diagnose(lambda: away)}["mlflow"]
    assert not sick.ok
    assert "MLFLOW_TRACKING_URI" in sick.next_step
    assert trained.registry.aliases() == {"champion": 1}
    well = {one.name: one for one in diagnose(lambda: trained)}["mlflow"]
    assert (well.ok, well.found) == (True, "champion: 2, previous: 1")


def test_a_comparison_is_started_looked_at_and_ended(trained: Project) -> None:
    with pytest.raises(NotFound, match="Nobody challenges"):
        arms_status(trained)
    event = start_arms(trained, 2, reason="cheaper", share=0.25)
    assert (event.kind, event.version, event.details["share"]) == ("challenged", 2, 0.25)
    status = arms_status(trained)
    assert (status.champion, status.challenger, status.split.share, status.counts) == (1, 2, 0.25, ())
    with pytest.raises(Conflict, match="challenges already"):
        start_arms(trained, 2, reason="again", shadow=True)
    assert stop_arms(trained, reason="seen enough").kind == "withdrawn"
    with pytest.raises(NotFound):
        stop_arms(trained, reason="again")


def test_a_comparison_that_makes_no_sense_is_refused(trained: Project) -> None:
    with pytest.raises(UsageError, match="How many"):
        start_arms(trained, 2, reason="x")
    with pytest.raises(UsageError, match="answers nobody"):
        start_arms(trained, 2, reason="x", share=0.5, shadow=True)
    with pytest.raises(UsageError, match="makes no sense"):
        start_arms(trained, 2, reason="x", share=1.0)
    with pytest.raises(GateRefused):
        start_arms(trained, 3, reason="x", share=0.5)
    with pytest.raises(Conflict):
        start_arms(trained, 1, reason="x", share=0.5)
