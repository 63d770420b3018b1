from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from riskloop.data.linked.plan import KINDS, Aggregate, LinkedTable, Plan, Window, nullable
from riskloop.errors import ConfigError


def table(**more: Any) -> LinkedTable:
    fields = {"key": "id", "time": "paid_on", "windows": ["all", "90d"], "features": {"*": ["count"]}} | more
    return LinkedTable.from_dict("loans", fields)


def test_features_are_called_by_table_column_aggregate_and_window() -> None:
    made = table(features={"*": ["count", "recency"], "days late": ["mean", "last", "share > 0"]})
    assert [feature.name for feature in made.features] == [
        "loans.count.90d",
        "loans.count.all",
        "loans.recency.all",
        "loans.days late.mean.90d",
        "loans.days late.mean.all",
        "loans.days late.last.all",
        "loans.days late.share>0.90d",
        "loans.days late.share>0.all",
    ]


def test_a_column_is_read_as_numbers_if_an_aggregate_needs_them() -> None:
    made = table(features={"amount": ["share = 1", "mean"], "code": ["share = 1"], "days": ["share <= 3"]})
    assert made.numbers == {"amount", "days"}
    assert made.columns == ("amount", "code", "days")


@given(
    st.dictionaries(
        st.text(min_size=1),
        st.lists(
            st.sampled_from([kind for kind in KINDS if kind != "share"]) | st.builds("share = {}".format, st.text())
        ),
        min_size=1,
    ),
    st.lists(st.integers(1, 99_999).map("{}d".format), min_size=1),
)
def test_a_plan_comes_back_from_its_json(features: dict[str, list[str]], windows: list[str]) -> None:
    try:
        plan = Plan((table(features=features, windows=windows),))
    except ConfigError:
        return
    assert Plan.from_dict(json.loads(json.dumps(plan.to_dict()))) == plan


@pytest.mark.parametrize(
    ("more", "said"),
    [
        ({"features": {"amount": ["average"]}}, "'average' of 'amount' is no aggregate"),
        ({"features": {"amount": ["meen"]}}, "did you mean 'mean'"),
        ({"features": {"amount": ["share"]}}, "a share compares"),
        ({"features": {"*": ["mean"]}}, "has no meaning"),
        ({"features": {}}, "no features"),
        ({"features": {"amount": ["mean", "share = much"]}}, "compares numbers with a text"),
        ({"features": {"amount": ["share > much"]}}, "compares numbers with a text"),
        ({"windows": ["90"]}, "no window"),
        ({"windows": []}, "no window"),
        ({"windows": [90]}, "no window"),
        ({"key": ""}, "name of a column"),
        ({"pth": "x"}, "Unknown key 'pth'"),
    ],
)
def test_what_is_wrong_is_named(more: dict[str, Any], said: str) -> None:
    with pytest.raises(ConfigError, match=said) as refusal:
        table(**more)
    assert refusal.value.where == "linked.loans"
    assert refusal.value.next_step


def test_the_name_of_a_table_has_no_dots() -> None:
    with pytest.raises(ConfigError, match="letters"):
        LinkedTable.from_dict("a.b", {"key": "id", "features": {"*": ["count"]}})


def test_customers_with_an_event_time_need_rows_with_a_time() -> None:
    timeless = table(time=None, windows=["all"])
    assert Plan((timeless,), point_in_time=False).names == ("loans.count.all",)
    with pytest.raises(ConfigError, match="became known"):
        Plan((timeless,))


@pytest.mark.parametrize("more", [{"features": {"*": ["recency"]}, "windows": ["all"]}, {"windows": ["90d"]}])
def test_recency_and_windows_need_an_event_time(more: dict[str, Any]) -> None:
    with pytest.raises(ConfigError, match="event time"):
        Plan((table(**more),), point_in_time=False)


@pytest.mark.parametrize("kind", ["last", "trend"])
def test_the_order_of_rows_needs_a_time(kind: str) -> None:
    with pytest.raises(ConfigError, match="newer"):
        Plan((table(time=None, windows=["all"], features={"x": [kind]}),), point_in_time=False)


def test_two_features_of_one_name_are_refused() -> None:
    with pytest.raises(ConfigError, match=r"'loans.x.share=a.mean.90d'|'loans.x.share=a.mean"):
        Plan((table(features={"x": ["share = a.mean"], "x.share=a": ["mean"]}),))


def test_a_plan_is_cut_down_to_what_a_model_uses() -> None:
    other = LinkedTable.from_dict("cards", {"key": "id", "time": "at", "features": {"*": ["count"]}})
    plan = Plan((table(features={"*": ["count"], "x": ["mean", "max"]}), other))
    part = plan.only(["loans.x.max.90d", "age"])
    assert part.names == ("loans.x.max.90d", "loans.x.max.all")
    assert plan.only(["age"]) == Plan()


def test_only_what_adds_up_to_nothing_is_never_missing() -> None:
    plan = Plan((table(windows=["all"], features={"*": ["count", "recency"], "x": ["sum", "mean", "distinct"]}),))
    assert nullable(plan) == {"loans.recency.all", "loans.x.mean.all"}


def test_windows_are_sorted_and_read_as_written() -> None:
    assert table(windows=["all", "365d", "90d", "90d"]).windows == (Window(90), Window(365), Window(None))
    assert str(Aggregate("x", "share", ">=", "3")) == "share >= 3"
