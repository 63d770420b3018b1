from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import given
from hypothesis import settings as examples
from hypothesis import strategies as st

from riskloop.errors import ConfigError
from riskloop.settings import (
    FILE,
    Settings,
    defaults_as_comment,
    json_schema,
    load_settings,
    parse_settings,
    read_yaml,
    write_yaml,
)
from riskloop.watch.alerts import DEFAULTS
from riskloop.watch.thresholds import USUAL

LEAST: dict[str, Any] = {"project": "demo", "problem": {"target": "left"}, "data": {"path": "t.csv"}}


def refusal(document: Any, environ: dict[str, str] | None = None) -> str:
    with pytest.raises(ConfigError) as caught:
        parse_settings(document, environ)
    assert caught.value.where
    return str(caught.value)


def changed(section: str, **values: Any) -> dict[str, Any]:
    return {**LEAST, section: {**LEAST.get(section, {}), **values}}


def test_what_is_not_said_has_a_sound_default() -> None:
    settings = parse_settings(LEAST)
    assert settings.training.test_share == 0.2
    assert settings.costs.declared().bayes_threshold == pytest.approx(1 / 11)
    assert settings.problem.problem().positive == "true"


def test_thresholds_of_drift_that_are_not_said_stay_as_usual_and_in_order() -> None:
    assert parse_settings(LEAST).monitoring.thresholds() == USUAL
    mine = parse_settings(changed("monitoring", moved_psi=0.01, columns=5)).monitoring.thresholds()
    assert (mine.watched_psi, mine.moved_psi, mine.strong_psi, mine.columns) == (0.01, 0.01, 0.2, 5)


@pytest.mark.parametrize(
    "address",
    [
        "slack://TokenA/TokenB/TokenC",
        "mailto://ada:hunter2@example.org",
        "https://hooks.slack.com/services/T/B/X",
        "json://h/p?+Authorization=hunter2",
        "json://h/p?token=hunter2",
        "tgram://hunter2/1",
        "hunter2",
    ],
)
def test_an_address_that_may_hold_a_secret_is_refused_and_not_shown(address: str) -> None:
    said = refusal(changed("alerts", channels={"team": address}))
    assert "env:NAME" in said
    assert "hunter2" not in said
    assert "TokenA" not in said


def test_an_address_without_a_secret_is_taken() -> None:
    plain = {"hook": "json://127.0.0.1:9/x", "mail": "mailto://riskloop@example.org?smtp=h&to=a@example.org"}
    told = plain | {"slack": "env:RISKLOOP_SLACK", "file": "file:/run/secrets/mail"}
    assert parse_settings(changed("alerts", channels=told)).alerts.channels == told


def test_rules_of_alerts_are_changed_switched_off_or_added() -> None:
    rules = {
        "errors": {"threshold": 0.05, "cool_down": "2h"},
        "no_traffic": False,
        "mine": {"measure": "broken_share", "comparison": "at_least", "threshold": 0.02, "lasting": "30m"},
    }
    made = {rule.name: rule for rule in parse_settings(changed("alerts", rules=rules)).alerts.all_rules()}
    assert made["errors"] == replace(DEFAULTS["errors"], threshold=0.05, cool_down=7_200.0)
    assert made["mine"].lasting == 1_800
    assert set(made) == {*DEFAULTS, "mine"} - {"no_traffic"}
    assert parse_settings(LEAST).alerts.all_rules() == tuple(DEFAULTS.values())


def test_the_comment_at_the_end_of_a_new_file_says_what_is_in_force(tmp_path: Path) -> None:
    write_yaml(tmp_path / FILE, LEAST, "A heading", defaults_as_comment())
    assert load_settings(tmp_path, {}) == parse_settings(LEAST)
    commented = defaults_as_comment()
    spoken = yaml.safe_load(commented[commented.index("alerts:") :])
    assert parse_settings({**LEAST, **spoken}).alerts.all_rules() == tuple(DEFAULTS.values())


@pytest.mark.parametrize(("written", "hours"), [("90d", 2_160), ("36h", 36), (7, 168), ("0.5", 12)])
def test_a_maturity_is_in_days_or_hours(written: Any, hours: float) -> None:
    found = parse_settings(changed("problem", maturity=written, unreported="negative")).problem.matures()
    assert (found.after, found.unreported) == (timedelta(hours=hours), "negative")
    assert parse_settings(LEAST).problem.matures().after is None


def test_silence_is_no_answer_without_a_maturity() -> None:
    assert "needs maturity" in refusal(changed("problem", unreported="negative"))
    for wrong in ("soon", "0d", "-3", "90m"):
        assert "90d" in refusal(changed("problem", maturity=wrong))


def test_an_empty_section_says_nothing() -> None:
    assert parse_settings({**LEAST, "features": None, "gate": None}) == parse_settings(LEAST)


@pytest.mark.parametrize(
    ("document", "words"),
    [
        (None, "riskloop init"),
        ([], "riskloop init"),
        ({}, "project"),
        ({**LEAST, "traning": {}}, "did you mean 'training'"),
        (changed("problem", positve="yes"), "did you mean 'positive'"),
        (changed("problem", positive=True), "in quotes"),
        (changed("problem", id="left"), "'left' has two roles"),
        (changed("training", folds=1), "training.folds"),
        (changed("training", test_share="a fifth"), "training.test_share"),
        (changed("training", policy="recall_at"), "policy_value"),
        (changed("monitoring", moved_psi=0.3), "strong_psi"),
        (changed("alerts", rules={"errors": {"treshold": 1}}), "did you mean 'threshold'"),
        (changed("alerts", rules={"erors": {"threshold": 1}}), "did you mean 'errors'"),
        (
            changed("alerts", rules={"mine": {"measure": "acuracy", "comparison": "below", "threshold": 1}}),
            "'accuracy'",
        ),
        (changed("alerts", rules={"errors": {"channels": ["tem"]}}, channels={"team": "env:T"}), "mean 'team'"),
        (changed("alerts", rules={"errors": {"cool_down": "soon"}}), "'soon' is no time"),
        (changed("alerts", rules={"errors": {"comparison": "over"}}), "alerts.rules.errors.comparison"),
        (changed("alerts", repeat="never"), "'never' is no time"),
        (changed("alerts", key="rk_secret"), "key: env:NAME"),
        (changed("alerts", service="ftp://host"), "alerts.service"),
        (changed("serving", bands=[0.7, 0.4]), "the lower one first"),
        (changed("serving", labels=["act", "act"]), "different words"),
        (changed("costs", fp=10, fn=-1), "fn"),
        (changed("costs", fp=float("nan")), "finite"),
        (changed("features", drop=["age"]), "features.drop"),
        ({**LEAST, "project": "../up"}, "project"),
        ({**LEAST, 1: 2}, "1"),
    ],
)
def test_a_wrong_setting_is_named_with_what_to_do(document: Any, words: str) -> None:
    assert words in refusal(document)


def test_the_environment_overrides_and_leaves_the_document_alone() -> None:
    document = changed("training", seed=1)
    settings = parse_settings(document, {"RISKLOOP__TRAINING__SEED": "7", "RISKLOOP__COSTS__FN": "50", "OTHER": "x"})
    assert (settings.training.seed, settings.costs.fn) == (7, 50)
    assert document == changed("training", seed=1)


def test_a_variable_that_names_nothing_is_an_error() -> None:
    assert "did you mean 'seed'" in refusal(LEAST, {"RISKLOOP__TRAINING__SEEED": "7"})
    assert "RISKLOOP__PROJECT__NAME" in refusal(LEAST, {"RISKLOOP__PROJECT__NAME": "x"})
    assert "RISKLOOP__PROJECT" in refusal(LEAST, {"RISKLOOP__PROJECT": "[a"})


def test_a_folder_without_a_project_says_how_to_start_one(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="riskloop init"):
        load_settings(tmp_path, {})


@pytest.mark.parametrize("data", [b"a: [1", b"\xff\xfe", b"a: !!python/object:os.system {}", b"\x00", b"a: 1\n\tb: 2"])
def test_a_file_that_is_no_yaml_is_an_error_that_names_it(tmp_path: Path, data: bytes) -> None:
    (tmp_path / FILE).write_bytes(data)
    with pytest.raises(ConfigError) as caught:
        load_settings(tmp_path, {})
    assert FILE in str(caught.value.where)


def test_a_contract_that_is_gone_is_an_error_too(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="cannot be read"):
        read_yaml(tmp_path / "contract.yaml")


words = st.text(st.characters(codec="utf-8", exclude_categories=["Cs"]), max_size=12)
plain = st.recursive(
    st.one_of(st.none(), st.booleans(), st.integers(), st.floats(), words, st.just("null"), st.just("2026-01-31")),
    lambda inner: st.one_of(st.lists(inner, max_size=3), st.dictionaries(words, inner, max_size=3)),
    max_leaves=8,
)


@examples(deadline=None, max_examples=150)
@given(st.dictionaries(st.sampled_from([*Settings.model_fields, "other"]), plain, max_size=4))
def test_any_document_is_taken_or_refused_in_words(document: dict[str, Any]) -> None:
    try:
        assert parse_settings({**LEAST, **document}, {}).project
    except ConfigError:
        assert refusal({**LEAST, **document}, {})


@examples(deadline=None, max_examples=100)
@given(target=words, positive=words, names=st.lists(words, max_size=3, unique=True), reason=words)
def test_what_is_written_as_yaml_is_read_back(
    tmp_path_factory: pytest.TempPathFactory, target: str, positive: str, names: list[str], reason: str
) -> None:
    document = {
        **LEAST,
        "problem": {"target": target, "positive": positive, "sensitive": [name for name in names if name != target]},
        "features": {"drop": dict.fromkeys(names, reason)},
    }
    folder = tmp_path_factory.mktemp("project")
    write_yaml(folder / FILE, document, "A heading\nof two lines")
    assert load_settings(folder, {}) == parse_settings(document)


def test_the_schema_has_a_sentence_for_every_setting() -> None:
    for name, section in json_schema()["$defs"].items():
        for setting, described in section["properties"].items():
            assert described.get("description", "").endswith("."), f"{name}.{setting}"


def test_costs_may_be_amounts_or_formulas() -> None:
    costs = parse_settings({**LEAST, "costs": {"fp": 10, "fn": "8 * margin"}}).costs.declared()
    assert costs.names == ("margin",)
    assert parse_settings({**LEAST, "costs": {"fp": "10", "fn": 100}}).costs.declared().names == ()
