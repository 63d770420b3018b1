from __future__ import annotations

import math
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from riskloop.errors import ConfigError
from riskloop.intervals import Interval, difference, relative_change
from riskloop.watch.alerts import DEFAULTS, MEASURES, Fact, Rule, judge, judge_all

numbers = st.floats(-10, 10)


@pytest.mark.parametrize(
    ("rule", "fact", "status"),
    [
        ("drifted_columns", Fact("columns_moved", "batches", 3, n=800), "firing"),
        ("drifted_columns", Fact("columns_moved", "batches", 2, n=800), "clear"),
        ("p99_latency", Fact("latency_p99", "service", 700, 501, 900, 5_000), "firing"),
        ("p99_latency", Fact("latency_p99", "service", 500, 480, 500, 5_000), "clear"),
        ("errors", Fact("error_rate", "service", 0.02, 0.012, 0.03, 5_000), "firing"),
        ("errors", Fact("error_rate", "service", 0.01, 0.007, 0.013, 5_000), "clear"),
        ("roc_auc_down", Fact("roc_auc_change", "batches", -0.09, -0.12, -0.06, 800), "firing"),
        ("roc_auc_down", Fact("roc_auc_change", "batches", -0.04, -0.06, -0.02, 800), "clear"),
        ("low_accuracy", Fact("accuracy", "batches", 0.70, 0.66, 0.74, 800), "firing"),
        ("low_accuracy", Fact("accuracy", "batches", 0.75, 0.71, 0.79, 800), "clear"),
        ("low_f1", Fact("f1", "batches", 0.5, 0.4, 0.59, 800), "firing"),
        ("accuracy_down", Fact("accuracy_change", "batches", -0.09, -0.12, -0.06, 800), "firing"),
        ("accuracy_down", Fact("accuracy_change", "batches", -0.05, -0.08, -0.02, 800), "clear"),
    ],
)
def test_the_founding_rules_are_in_force_and_alert_where_they_did(rule: str, fact: Fact, status: str) -> None:
    assert judge(DEFAULTS[rule], fact).status == status


@pytest.mark.parametrize(
    ("rule", "fact", "status"),
    [
        ("drift", Fact("drift_verdict", "ledger", 2), "firing"),
        ("drift", Fact("drift_verdict", "ledger", 1), "clear"),
        ("costlier", Fact("expected_cost_change", "ledger", 0.25, 0.14, 0.36, 800), "firing"),
        ("ledger_losses", Fact("ledger_lost", "service", 1), "firing"),
        ("no_traffic", Fact("predictions", "service", 0), "firing"),
        ("few_outcomes", Fact("label_completeness", "ledger", 0.5, n=100), "firing"),
        ("challenger_guardrail", Fact("guardrail", "challenger", 1), "firing"),
        ("uneven_arms", Fact("sample_ratio", "challenger", 0.0001, n=1_000), "firing"),
    ],
)
def test_and_those_of_our_own(rule: str, fact: Fact, status: str) -> None:
    assert judge(DEFAULTS[rule], fact).status == status


def test_a_performance_rule_alerts_only_if_the_whole_interval_is_beyond() -> None:
    fact = Fact("accuracy", "batches", 0.70, 0.60, 0.80, 100)
    assert judge(DEFAULTS["low_accuracy"], fact).status == "unsure"
    hasty = Rule("low_accuracy", "accuracy", "below", 0.75, certain=False)
    assert judge(hasty, fact).status == "firing"


def test_a_floor_below_which_the_version_always_was_is_no_news_unless_asked_for() -> None:
    fact = Fact("accuracy", "batches", 0.48, 0.45, 0.51, 800, {"promised": {"value": 0.5, "low": 0.46, "high": 0.54}})
    told = judge(DEFAULTS["low_accuracy"], fact)
    assert (told.status, told.why) == ("not_judged", "not_promised")
    strict = replace(DEFAULTS["low_accuracy"], even_if_promised=True)
    assert judge(strict, fact).status == "firing"
    better = replace(fact, context={"promised": {"value": 0.8}})
    assert judge(DEFAULTS["low_accuracy"], better).status == "firing"


def test_an_end_that_is_not_known_is_not_beyond() -> None:
    assert judge(DEFAULTS["low_f1"], Fact("f1", "batches", 0.5, 0.4, math.nan, 100)).status == "unsure"


def test_what_cannot_be_judged_says_why() -> None:
    few = judge(DEFAULTS["low_f1"], Fact("f1", "batches", 0.1, 0.0, 0.2, 5))
    undefined = judge(DEFAULTS["low_f1"], Fact("f1", "batches", math.nan, math.nan, math.nan, 500))
    assert (few.status, few.why) == ("not_judged", "few")
    assert (undefined.status, undefined.why) == ("not_judged", "undefined")
    silent = judge_all(DEFAULTS.values(), ())
    assert {(one.status, one.why) for one in silent} == {("not_judged", "no_fact")}
    assert [one.rule.name for one in silent] == list(DEFAULTS)


def test_every_subject_is_judged_for_itself() -> None:
    facts = [Fact("f1", "batches", 0.1, 0.0, 0.2, 500), Fact("f1", "ledger", 0.9, 0.8, 1.0, 500)]
    found = {one.subject: one.status for one in judge_all([DEFAULTS["low_f1"]], facts)}
    assert found == {"batches": "firing", "ledger": "clear"}


def test_an_unknown_measure_is_an_error_that_names_the_nearest() -> None:
    with pytest.raises(ConfigError, match="did you mean 'accuracy'"):
        Rule("mine", "acuracy", "below", 0.7)
    with pytest.raises(ConfigError, match="did you mean 'error_rate'"):
        judge_all(DEFAULTS.values(), [Fact("error_rat", "service", 1.0)])


@pytest.mark.parametrize("wrong", [{"threshold": math.nan}, {"consecutive": 0}, {"lasting": -1.0}, {"least": 0}])
def test_a_rule_that_makes_no_sense_is_refused(wrong: dict[str, float]) -> None:
    with pytest.raises(ConfigError, match="no sense"):
        Rule(**({"name": "mine", "measure": "f1", "comparison": "below", "threshold": 0.5} | wrong))  # type: ignore[arg-type]


@given(numbers, numbers, numbers, numbers, st.sampled_from(["above", "at_least", "below", "at_most"]))
def test_certain_alerts_are_among_the_hasty_ones(a: float, b: float, c: float, threshold: float, how: str) -> None:
    low, value, high = sorted((a, b, c))
    fact = Fact("f1", "batches", value, low, high)
    sure = judge(Rule("mine", "f1", how, threshold), fact).status  # type: ignore[arg-type]
    hasty = judge(Rule("mine", "f1", how, threshold, certain=False), fact).status  # type: ignore[arg-type]
    assert (sure == "clear") == (hasty == "clear")
    assert hasty != "unsure"
    assert (sure == "firing") <= (hasty == "firing")


def test_measures_are_all_watched_or_at_hand() -> None:
    assert {rule.measure for rule in DEFAULTS.values()} <= set(MEASURES)


def test_a_difference_of_independent_estimates_has_the_root_of_both_widths() -> None:
    found = difference(Interval(0.7, 0.66, 0.74), Interval(0.8, 0.77, 0.83))
    assert found.value == pytest.approx(-0.1)
    assert (found.low, found.high) == pytest.approx((-0.15, -0.05))


def test_a_relative_change_holds_its_ratio_and_needs_positive_ends() -> None:
    found = relative_change(Interval(0.9, 0.88, 0.92), Interval(0.99, 0.985, 0.995))
    assert found.value == pytest.approx(0.9 / 0.99 - 1)
    assert found.low < found.value < found.high < 0
    by_delta_method = 2 * 0.9 / 0.99 * math.hypot(0.02 / 0.9, 0.005 / 0.99)
    assert found.high - found.low == pytest.approx(by_delta_method, rel=0.01)
    assert math.isnan(relative_change(Interval(5, -1, 9), Interval(4, 3, 5)).low)
    assert math.isnan(relative_change(Interval(0, 0, 0), Interval(4, 3, 5)).value)


def test_every_rule_and_measure_is_in_the_documentation() -> None:
    text = (Path(__file__).parents[2] / "docs" / "alerts.md").read_text()
    for rule in DEFAULTS.values():
        (line,) = [one for one in text.splitlines() if one.startswith(f"| `{rule.name}` |")]
        assert f"`{rule.measure}`" in line or rule.measure == "service_down"
        assert rule.severity in line
        assert f"{rule.threshold:g}".lstrip("0") in line or rule.measure == "service_down"
    assert all(f"`{measure}`" in text for measure in MEASURES if measure != "service_down")
