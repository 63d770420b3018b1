from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from riskloop.decide.reason_texts import Texts
from riskloop.decide.reasons import Bounds, Feature, Namer, Rules, overlap
from riskloop.errors import ConfigError

FEATURES = (
    Feature("income", ("income",), "decreasing", 3_000.0),
    Feature("debt", ("debt",), "increasing", 500.0),
    Feature("burden", ("debt", "income"), typical=0.2),
    Feature("region", ("region",), typical="north"),
    Feature("age", ("age",), typical=45.0),
)
VALUES = (1_000.0, 900.0, 0.9, "south", 20.0)


def named(contributions: tuple[float, ...], rules: Rules | None = None, values: tuple = VALUES) -> list[str]:
    return [reason.feature for reason in Namer(rules or Rules(), FEATURES).reasons(contributions, values)]


def test_the_weightiest_reasons_come_first_and_there_are_four_at_most():
    assert named((0.1, 0.5, 0.2, 0.3, 0.4)) == ["debt", "age", "region", "burden"]
    assert named((0.1, 0.5, 0.2, 0.3, 0.4), Rules(most=1)) == ["debt"]


def test_what_pushes_the_other_way_is_no_reason():
    assert named((-0.1, 0.5, 0.0, -0.3, 1e-12)) == ["debt"]


def test_where_leaving_alone_is_adverse_reasons_push_down():
    rules = Rules(adverse="pass")
    assert named((-0.1, -0.5, -0.3, 0.3, -0.2), rules, (9_000.0, 100.0, 0.1, "south", 20.0)) == [
        "debt",
        "burden",
        "age",
        "income",
    ]


def test_features_of_one_business_reason_count_together_and_are_named_once():
    rules = Rules(groups={"Debt": ("debt", "burden")})
    (first, second) = Namer(rules, FEATURES).reasons((0.0, 0.2, 0.3, 0.4, 0.0), VALUES)
    assert (first.group, first.feature, first.contribution) == ("Debt", "burden", pytest.approx(0.5))
    assert second.feature == "region"


def test_what_a_group_adds_in_all_decides_whether_it_is_a_reason():
    assert named((0.0, 0.2, -0.3, 0.0, 0.0), Rules(groups={"Debt": ("debt", "burden")})) == []


def test_protected_and_immutable_attributes_are_never_named():
    assert "age" not in named((0.1,) * 5, Rules(protected=("age",)))
    assert "age" not in named((0.1,) * 5, Rules(immutable=("age",)))


def test_nor_is_what_is_derived_from_them():
    assert named((0.1,) * 5, Rules(protected=("income",))) == ["debt", "region", "age"]


def test_a_feature_with_a_declared_trend_is_never_named_against_it():
    assert "debt" not in named((0.0, 0.9, 0.0, 0.0, 0.0), values=(1_000.0, 400.0, 0.9, "south", 20.0))
    assert "debt" not in named((0.0, 0.9, 0.0, 0.0, 0.0), values=(1_000.0, 500.0, 0.9, "south", 20.0))
    assert "income" not in named((0.9, 0.0, 0.0, 0.0, 0.0), values=(9_000.0, 900.0, 0.9, "south", 20.0))


def test_a_missing_value_may_be_a_reason():
    (reason,) = Namer(Rules(), FEATURES).reasons((0.5, 0.0, 0.0, 0.0, 0.0), (None, 900.0, 0.9, "south", 20.0))
    assert (reason.value, reason.texts["en"], reason.texts["fr"]) == (
        None,
        "Income is not known",
        "Income : non renseigné",
    )


def test_words_say_on_which_side_of_the_usual_a_customer_is():
    reasons = Namer(Rules(), FEATURES).reasons((0.5, 0.4, 0.3, 0.2, 0.0), (1_000.5, 900.0, 0.9, "south", 20.0))
    assert [reason.texts["en"] for reason in reasons] == [
        "Income: 1,000, below the usual 3,000",
        "Debt: 900, above the usual 500",
        "Burden: 0.9, above the usual 0.2",
        "Region: south, most often north",
    ]
    assert [reason.texts["fr"] for reason in reasons] == [
        "Income : 1\u202f000, en dessous de l'habituel (3\u202f000)",
        "Debt : 900, au-dessus de l'habituel (500)",
        "Burden : 0,9, au-dessus de l'habituel (0,2)",
        "Region : south, le plus souvent north",
    ]


def test_a_table_of_texts_goes_before_riskloops_own_words():
    table = {
        "version": 3,
        "texts": {
            "income": {
                "en": {"name": "Monthly income", "low": "Your income of {value} is low"},
                "fr": {"name": "Revenu mensuel"},
            },
            "Debt": {"en": {"other": "You owe a lot"}},
        },
    }
    texts = Texts.from_dict(table)
    rules = Rules(groups={"Debt": ("debt", "burden")}, texts=texts)
    first, second = Namer(rules, FEATURES).reasons((0.5, 0.2, 0.2, 0.0, 0.0), VALUES)
    assert first.texts == {
        "en": "Your income of 1,000 is low",
        "fr": "Revenu mensuel : 1\u202f000, en dessous de l'habituel (3\u202f000)",
    }
    assert second.texts["en"] == "You owe a lot"
    assert texts.version == "3"
    assert Texts.from_dict(texts.to_dict()) == texts


@pytest.mark.parametrize(
    ("table", "said"),
    [
        ([], "no mapping"),
        ({"texts": {"incme": {}}}, "did you mean 'income'"),
        ({"texts": {"income": {"de": {"name": "x"}}}}, "'de'"),
        ({"texts": {"income": {"en": {"hight": "x"}}}}, "did you mean 'high'"),
        ({"text": {}}, "did you mean 'texts'"),
        ({"texts": {"income": "x"}}, "no languages"),
    ],
)
def test_a_malformed_table_of_texts_is_one_clear_error(table, said):
    with pytest.raises(ConfigError, match=said) as error:
        Texts.from_dict(table, frozenset({"income", "debt"}))
    assert error.value.where == "reasons.yaml"


def test_a_value_cannot_write_into_the_sentence():
    reasons = Namer(Rules(), FEATURES).reasons((0.0, 0.0, 0.0, 0.2, 0.0), (*VALUES[:3], "{typical}{name}", 20.0))
    assert reasons[0].texts["en"] == "Region: {typical}{name}, most often north"


def test_rules_survive_the_way_to_a_bundle_and_back():
    rules = Rules(
        adverse="pass",
        most=3,
        protected=("sex",),
        immutable=("age",),
        groups={"Debt": ("debt", "burden")},
        actionable={"debt": Bounds(0.0, 900.0, direction="down"), "region": Bounds(levels=("north",))},
    )
    assert Rules.from_dict(rules.to_dict()) == rules


def test_a_feature_has_one_business_reason():
    with pytest.raises(ConfigError, match="two business reasons"):
        Rules(groups={"a": ("debt",), "b": ("debt", "income")})


def test_what_nobody_can_change_is_not_actionable():
    with pytest.raises(ConfigError, match="'age' is protected or immutable"):
        Rules(immutable=("age",), actionable={"age": Bounds()})


def test_overlap_is_the_share_of_business_reasons_in_common():
    namer = Namer(Rules(), FEATURES)
    one, other = namer.reasons((0.4, 0.3, 0, 0, 0), VALUES), namer.reasons((0.4, 0, 0, 0.3, 0.2), VALUES)
    assert overlap(one, other) == pytest.approx(1 / 3)
    assert overlap((), ()) == 1.0


@given(st.lists(st.floats(-5, 5), min_size=5, max_size=5), st.sampled_from(["act", "pass"]))
def test_every_reason_pushes_towards_the_adverse_decision(contributions, adverse):
    rules = Rules(adverse=adverse, groups={"Debt": ("debt", "burden")}, protected=("age",))
    reasons = Namer(rules, FEATURES).reasons(contributions, VALUES)
    sizes = [abs(reason.contribution) for reason in reasons]
    assert all((reason.contribution > 0) == (adverse == "act") for reason in reasons)
    assert sizes == sorted(sizes, reverse=True)
    assert len({reason.group for reason in reasons}) == len(reasons)
    assert "age" not in {reason.feature for reason in reasons}
