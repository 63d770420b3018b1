from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import jsonschema_rs
import numpy as np
import pytest

from riskloop.bundle.bundle import Bundle
from riskloop.decide.arms import Split
from riskloop.decide.prices import Prices
from riskloop.errors import GateRefused, NotFound, UsageError
from riskloop.keep.chain import challenge
from riskloop.keep.versions import Version
from riskloop.loop.experiments.pairs import ACT
from riskloop.loop.project import Project
from riskloop.loop.workflows.ab_plan import plan_arms
from riskloop.loop.workflows.arms import arms_status, sentence, start_arms, stop_arms, write_experiment_report
from riskloop.loop.workflows.guard import GUARD, guard_arms
from riskloop.loop.workflows.replay import replay
from riskloop.report.documents.schema import document_schema
from riskloop.wiring import open_project
from tests.loop.town import Town

START = datetime(2031, 3, 3, 8, tzinfo=UTC)  # after whenever the versions were promoted
Clock = Callable[[datetime], Project]


@pytest.fixture
def at(trained: Project, monkeypatch: pytest.MonkeyPatch) -> Clock:
    """The project at another time."""

    def project(moment: datetime) -> Project:
        return replace(trained, clock=lambda: moment)

    return project


@pytest.fixture
def town(trained: Project) -> Town:
    return Town(trained)


def begin(project: Project, share: float = 0.5) -> Split:
    start_arms(project, 2, reason="cheaper", share=share)
    named = challenge(project.promotions.events())
    assert named is not None
    return Split.from_dict(named.details)


def test_what_the_challenger_saves_is_told_day_by_day(at: Clock, town: Town) -> None:
    split = begin(at(START))
    for day in range(3):
        moment = START + timedelta(days=day, hours=1)
        town.tell(town.ask(moment, split, 400), moment + timedelta(hours=3))
    status = arms_status(at(START + timedelta(days=3)))
    told = status.compared
    assert told is not None
    assert [one.day for one in told.looks] == [date(2031, 3, 3 + day) for day in range(3)]
    assert [sum(one.customers) for one in told.looks] == [400, 800, 1200]
    widths = [one.difference.high - one.difference.low for one in told.looks]
    assert widths == sorted(widths, reverse=True)
    assert not told.split.off
    assert told.counted.otherwise == 0
    assert 0 < sum(tally.differing for tally in told.counted.days.values()) < 1200
    truth = cost_per_customer(town, 1) - cost_per_customer(town, 0)
    assert told.looks[-1].difference.low <= truth <= told.looks[-1].difference.high
    assert "EUR per customer" in sentence(status)
    files = write_experiment_report(at(START + timedelta(days=3)), status).files
    document = json.loads(files["json"].read_text())
    schema = jsonschema_rs.validator_for(document_schema("experiment-report"))
    assert not [str(error) for error in schema.iter_errors(document)]
    assert len(document["experiment"]["days"]) == 3
    french = write_experiment_report(at(START + timedelta(days=3)), status, "fr").files["html"].read_text()
    assert "Décidés différemment" in french
    assert "<svg" in french
    assert "http" not in french.replace("http-equiv", "")


def cost_per_customer(town: Town, arm: int) -> float:
    rows = np.arange(1200) % len(town.rows)
    act, churned = town.code[arm][rows] == ACT, town.churned[rows]
    return float(town.pair.champion.policy.costs.each(churned, act).mean())


def test_a_challenger_that_decides_alike_is_never_told_apart(at: Clock, town: Town) -> None:
    project = at(START + timedelta(days=2))
    split = begin(at(START))
    who = town.ask(START + timedelta(hours=1), split, 900, same=True)
    town.tell(who, START + timedelta(hours=5))
    told = arms_status(project).compared
    assert told is not None
    assert told.verdict == "undecided"
    with pytest.raises(GateRefused, match="not decided"):
        stop_arms(project, reason="now", decide=True)
    assert project.promotions.state().challenger == 2


def winning(at: Clock, town: Town, *, act: bool) -> Project:
    """Customers who all leave, or all stay, if the two decide differently: whoever acts more is right, or wrong."""
    split = begin(at(START))
    codes = town.code[1].astype(int) - town.code[0]
    outcome = np.where(codes > 0, act, np.where(codes < 0, not act, town.churned))
    for day in range(3):
        moment = START + timedelta(days=day, hours=1)
        town.tell(town.ask(moment, split, 700), moment + timedelta(hours=2), outcome)
    return at(START + timedelta(days=9))


def test_a_challenger_that_surely_saves_leads_when_it_is_decided(at: Clock, town: Town) -> None:
    project = winning(at, town, act=True)
    status = arms_status(project)
    assert status.compared is not None
    assert status.compared.verdict == "promote"
    assert "the challenger saves" in sentence(status)
    assert sentence(status).endswith("promote")
    event = stop_arms(project, reason="the test is over", decide=True)
    assert (event.kind, event.version) == ("promoted", 2)
    assert "saves" in event.reason
    assert project.promotions.state().challenger is None


def test_a_challenger_that_surely_costs_more_is_ended_by_the_guard(at: Clock, town: Town) -> None:
    project = winning(at, town, act=False)
    assert sentence(arms_status(project)).endswith("stop")
    found = guard_arms(project)
    assert found.status == "ended"
    assert [one.rail for one in found.breaches] == ["cost"]
    last = project.promotions.events()[-1]
    assert (last.kind, last.actor) == ("withdrawn", GUARD)
    assert "more per customer" in last.reason
    assert guard_arms(project).status == "none"


def test_customers_count_once_in_the_arm_that_was_drawn(at: Clock, town: Town) -> None:
    split = begin(at(START))
    who = town.ask(START + timedelta(hours=1), split, 60)
    town.calls = 0
    town.ask(START + timedelta(hours=2), split, 60)
    town.calls = 0
    town.ask(START + timedelta(hours=3), None, 5)  # a service that had not followed
    town.tell(who, START + timedelta(hours=4))
    told = arms_status(at(START + timedelta(days=1))).compared
    assert told is not None
    drawn = [split.arm_of(name) for name in who]
    assert told.counted.assigned == [drawn.count("champion"), drawn.count("challenger")]
    assert sum(told.looks[-1].customers) == 60
    assert told.counted.mixed == drawn[:5].count("challenger")


def test_outcomes_count_only_once_their_cohort_is_mature_in_either_arm(trained: Project, at: Clock, town: Town) -> None:
    problem = trained.settings.problem.model_copy(update={"maturity": "2d", "unreported": "negative"})
    settings = trained.settings.model_copy(update={"problem": problem})
    slow = replace(trained, settings=settings)
    split = begin(replace(slow, clock=lambda: START))
    early = town.ask(START + timedelta(hours=1), split, 100)
    late = town.ask(START + timedelta(days=1, hours=1), split, 100)
    town.tell(early[:10] + late[:50], START + timedelta(days=1, hours=2))
    for days, counted in ((1.5, 0), (2.5, 100), (4, 200)):
        now = START + timedelta(days=days)
        told = arms_status(replace(slow, clock=lambda now=now: now)).compared
        assert told is not None
        assert sum(told.counted.told) == counted
        assert sum(told.counted.mature) == counted
        assert (sum(told.looks[-1].customers) if told.looks else 0) == counted


def test_a_split_that_is_off_forbids_a_decision(at: Clock, town: Town) -> None:
    begin(at(START), share=0.2)
    who = town.ask(START + timedelta(hours=1), None, 900)  # the champion answers everybody
    town.tell(who, START + timedelta(hours=5))
    project = at(START + timedelta(days=1))
    status = arms_status(project)
    assert status.compared is not None
    assert status.compared.split.off
    assert "find the reason" in sentence(status)
    with pytest.raises(GateRefused, match="not decided"):
        stop_arms(project, reason="x", decide=True)


def test_costs_as_they_are_need_no_second_asking(trained: Project, town: Town) -> None:
    chosen = trained.settings.experiments.model_copy(update={"compare": "all"})
    plain = replace(trained, settings=trained.settings.model_copy(update={"experiments": chosen}))
    split = begin(replace(plain, clock=lambda: START))
    town.tell(town.ask(START + timedelta(hours=1), split, 300), START + timedelta(hours=4))
    told = arms_status(replace(plain, clock=lambda: START + timedelta(days=1))).compared
    assert told is not None
    assert told.looks[-1].cost == pytest.approx(actual(town, split, 300))
    assert sum(tally.differing for tally in told.counted.days.values()) == 300


def actual(town: Town, split: Split, customers: int) -> tuple[float, float]:
    costs, found = town.pair.champion.policy.costs, {0: [], 1: []}  # type: ignore[var-annotated]
    for place in range(customers):
        arm = int(split.arm_of(f"N-{place}") == "challenger")
        act = np.array([town.code[arm][place] == ACT])
        found[arm].append(costs.of({}).each(town.churned[place : place + 1], act)[0])
    return float(np.mean(found[0])), float(np.mean(found[1]))


def test_costs_by_formula_are_each_customer_s_own(
    trained: Project, at: Clock, town: Town, monkeypatch: pytest.MonkeyPatch
) -> None:
    prices = Prices(fp=10.0, fn="4 * monthly_charge")
    plain = Project.bundle

    def priced(project: Project, version: int | None = None) -> tuple[Version, Bundle]:
        record, bundle = plain(project, version)
        return record, replace(bundle, policy=replace(bundle.policy, costs=prices))

    monkeypatch.setattr(Project, "bundle", priced)
    town = Town(trained)
    split = begin(at(START))
    fixed = challenge(trained.promotions.events()).details["experiment"]["design"]  # type: ignore[union-attr]
    charges = np.array([float(row["monthly_charge"]) for row in town.rows])
    assert fixed["span"] > 4 * charges.max() * 0.8
    town.tell(town.ask(START + timedelta(hours=1), split, 400), START + timedelta(hours=4))
    told = arms_status(at(START + timedelta(days=1))).compared
    assert told is not None
    assert (told.counted.left_out, told.counted.otherwise) == (0, 0)
    for arm in (0, 1):
        mine = np.array([place for place in range(400) if (split.arm_of(f"N-{place}") == "challenger") == arm])
        act, churned = town.code[arm][mine] == ACT, town.churned[mine]
        cost = np.where(act, np.where(churned, 0.0, 10.0), np.where(churned, 4 * charges[mine], 0.0))
        assert told.looks[-1].cost[arm] == pytest.approx(float(cost.mean()))


# Guardrails


def test_a_challenger_within_the_guardrails_is_left_alone(at: Clock, town: Town) -> None:
    split = begin(at(START))
    town.ask(START + timedelta(hours=1), split, 600)
    assert guard_arms(at(START + timedelta(hours=2))).status == "quiet"


def test_nobody_to_guard(trained: Project) -> None:
    assert guard_arms(trained).status == "none"


def test_a_slow_challenger_is_ended_within_one_look(at: Clock, town: Town) -> None:
    begin(at(START))
    for arm, latency in (("champion", 2.0), ("challenger", 40.0)):
        town.ask(START + timedelta(hours=1), None, 300, arm=arm, latency_ms=latency)
    found = guard_arms(at(START + timedelta(hours=2)), costs=False)
    assert "latency" in [one.rail for one in found.breaches]
    assert found.status == "ended"


def test_a_challenger_whom_the_champion_stands_in_for_is_ended(at: Clock, town: Town) -> None:
    begin(at(START))
    town.ask(START + timedelta(hours=1), None, 300)
    found = guard_arms(at(START + timedelta(hours=2)), costs=False)
    assert [one.rail for one in found.breaches] == ["fallback"]
    assert "the champion had to answer 100.0%" in found.breaches[0].message


def test_a_challenger_that_decides_alike_about_everybody_is_ended(at: Clock, town: Town) -> None:
    town.ask(START - timedelta(days=1), None, 400)
    split = begin(at(START))
    acts = float((town.code[1] == ACT).mean()) < 0.5
    label = town.pair.challenger.policy.labels[0 if acts else 1]
    town.ask(START + timedelta(hours=1), split, 500)
    extreme = 0.97 if acts else 0.0004
    town.ask(START + timedelta(hours=2), None, 1_000, arm="challenger", decision=label, probability=extreme)
    found = guard_arms(at(START + timedelta(hours=3)), costs=False)
    assert {"act_rate", "score_psi"} <= {one.rail for one in found.breaches}


def test_a_challenger_whose_bundle_was_altered_is_ended(trained: Project, at: Clock) -> None:
    begin(at(START))
    path = trained.locations.bundles / trained.versions.get(2).bundle / "policy.json"
    path.write_bytes(path.read_bytes().replace(b"1", b"2", 1))
    found = guard_arms(at(START + timedelta(hours=1)))
    assert "bundle is refused" in found.breaches[0].message


# Before the start


def test_a_plan_says_how_many_customers_and_days_from_recent_traffic(at: Clock, town: Town) -> None:
    for day in range(4):
        town.ask(START - timedelta(days=day + 1), None, 250)
    plan = plan_arms(at(START), 2, share=0.2)
    assert plan.seen.customers == 1_000
    assert 200 <= plan.seen.a_day <= 340
    assert 0 < plan.seen.differing < 0.6
    larger = plan_arms(at(START), 2, share=0.2, least=plan.effect + 2.0)
    assert larger.needed.customers < plan.needed.customers
    assert plan.needed.customers > plan.needed.fixed
    assert list(plan.detectable.values()) == sorted(plan.detectable.values(), reverse=True)
    assert plan.to_dict()["customers_per_arm"][1] == pytest.approx(0.2 * plan.needed.customers)


def test_a_plan_without_traffic_says_so(trained: Project) -> None:
    plan = plan_arms(trained, 2, share=0.5, least=1.0)
    assert (plan.seen.customers, plan.detectable) == (0, {})
    assert plan.to_dict()["days"] is None


# Replay


def test_a_version_that_answered_changes_nothing_when_it_is_asked_again(trained: Project, town: Town) -> None:
    town.tell(town.ask(START, None, 200), START + timedelta(hours=1))
    before = trained.promotions.events(), trained.ledger.count()
    same, other = replay(trained, 1), replay(trained, 2)
    assert (same.whole.predictions, same.whole.changed) == (200, 0)
    assert same.whole.realised.mean().value == 0
    changed = int((town.code[0][:200] != town.code[1][:200]).sum())
    assert other.whole.changed == sum(other.changes.values()) == changed
    assert (trained.promotions.events(), trained.ledger.count()) == before


def test_a_replay_prices_what_came_true(trained: Project, town: Town) -> None:
    town.tell(town.ask(START, None, 500), START + timedelta(hours=1))
    found = replay(trained, 2)
    costs, churned = town.pair.champion.policy.costs.of({}), town.churned[:500]
    each = [costs.each(churned, town.code[arm][:500] == ACT) for arm in (0, 1)]
    assert found.whole.realised.mean().value == pytest.approx(float((each[1] - each[0]).mean()))
    assert found.whole.realised.n == 500
    plans = {level: group for (column, level), group in found.segments.items() if column == "plan"}
    assert sum(group.predictions for group in plans.values()) == 500


def test_a_replay_counts_no_outcome_before_it_is_final(trained: Project, at: Clock, town: Town) -> None:
    town.tell(town.ask(START, None, 50), START + timedelta(hours=1))
    problem = trained.settings.problem.model_copy(update={"maturity": "30d"})
    settings = trained.settings.model_copy(update={"problem": problem})
    told = [replay(replace(at(START + timedelta(days=days)), settings=settings), 2) for days in (29, 31)]
    assert [one.whole.realised.n for one in told] == [0, 50]


def test_a_replay_of_nothing_or_by_no_category_is_one_clear_error(trained: Project, town: Town) -> None:
    with pytest.raises(NotFound, match="no prediction"):
        replay(trained, 2)
    with pytest.raises(UsageError, match="no category"):
        replay(trained, 2, by=("age",))


def test_an_earlier_challenge_without_terms_is_judged_all_the_same(
    trained: Project, at: Clock, town: Town, tmp_path: Path
) -> None:
    split = Split(0.5, salt="s")
    trained.promotions.challenge(2, actor="ada", reason="old", at=START, details=split.to_dict())
    town.tell(town.ask(START + timedelta(hours=1), split, 80), START + timedelta(hours=2))
    told = arms_status(at(START + timedelta(days=1))).compared
    assert told is not None
    assert sum(told.looks[-1].customers) == 80
    assert open_project(trained.folder).promotions.state().challenger == 2
