"""Prometheus and Alertmanager by their own checkers, and our two sets of rules against each other."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml

from deploy.recipes import HERE
from riskloop.watch.alerts import DEFAULTS

RULES = HERE / "prometheus" / "rules.yml"


def _run(*command: object) -> subprocess.CompletedProcess[str]:
    return subprocess.run([str(word) for word in command], capture_output=True, text=True, check=False)


def _rules() -> dict[str, Any]:
    groups = yaml.safe_load(RULES.read_text())["groups"]
    return {rule["alert"]: rule for group in groups for rule in group["rules"] if "alert" in rule}


def test_the_configuration_of_prometheus_is_sound(needs: Callable[..., None], tmp_path: Path) -> None:
    needs("promtool")
    (tmp_path / "scrape").write_text("rk_viewer")
    text = (HERE / "prometheus" / "prometheus.yml").read_text().replace("/run/secrets", str(tmp_path))
    (tmp_path / "prometheus.yml").write_text(text)
    (tmp_path / "rules.yml").write_text(RULES.read_text())
    done = _run("promtool", "check", "config", tmp_path / "prometheus.yml")
    assert done.returncode == 0, done.stderr
    assert "rules found" in done.stdout


def test_each_alert_fires_when_it_should_and_not_before(needs: Callable[..., None]) -> None:
    needs("promtool")
    done = _run("promtool", "test", "rules", HERE / "prometheus" / "rules.test.yml")
    assert done.returncode == 0, done.stdout + done.stderr


def test_every_alert_has_a_test() -> None:
    told = yaml.safe_load((HERE / "prometheus" / "rules.test.yml").read_text())["tests"]
    fires = {one["alertname"] for test in told for one in test["alert_rule_test"] if one["exp_alerts"]}
    assert fires == set(_rules())


def test_a_rule_that_is_broken_is_noticed(needs: Callable[..., None], tmp_path: Path) -> None:
    """The test above can fail."""
    needs("promtool")
    for name, change in (("rules.yml", (">= 3", ">= 2")), ("rules.test.yml", ("", ""))):
        (tmp_path / name).write_text((HERE / "prometheus" / name).read_text().replace(*change))
    assert _run("promtool", "test", "rules", tmp_path / "rules.test.yml").returncode != 0


@pytest.mark.parametrize(
    ("alert", "ours", "told"),
    [
        ("RiskloopDrift", "drifted_columns", ">= 3"),
        ("RiskloopSlow", "p99_latency", "> 0.5 "),  # seconds
        ("RiskloopErrors", "errors", "> 0.01 "),
        ("RiskloopRocAucDown", "roc_auc_down", "<= -0.05"),
        ("RiskloopCostlier", "costlier", ">= 0.10"),
    ],
)
def test_prometheus_and_riskloop_alert_by_the_same_thresholds(alert: str, ours: str, told: str) -> None:
    rule, expression = DEFAULTS[ours], _rules()[alert]["expr"] + " "
    assert told in expression
    number = float(told.split()[1]) * (1000 if alert == "RiskloopSlow" else 1)
    assert number == rule.threshold
    assert (told[0] == ">") == rule.upward
    assert ("=" in told) == rule.comparison.startswith("at_")
    assert _rules()[alert]["labels"]["severity"] == rule.severity


def test_every_alert_says_what_to_do_next() -> None:
    for name, rule in _rules().items():
        assert set(rule["annotations"]) == {"summary", "next_step"}, name
        assert rule["labels"]["severity"] in ("info", "warning", "critical"), name


def test_alertmanager_sends_each_severity_where_it_belongs(needs: Callable[..., None]) -> None:
    needs("amtool")
    config = HERE / "alertmanager" / "alertmanager.yml"
    assert _run("amtool", "check-config", config).returncode == 0

    def receivers(**labels: str) -> str:
        said = [f"{name}={value}" for name, value in labels.items()]
        return _run("amtool", "config", "routes", "test", f"--config.file={config}", *said).stdout.strip()

    assert receivers(severity="critical", alertname="RiskloopErrors") == "on-call,team"
    assert receivers(severity="warning", alertname="RiskloopDrift") == "team"
    assert receivers(severity="info", alertname="x") == "team"


def test_alertmanager_reads_secrets_from_files_only() -> None:
    receivers = yaml.safe_load((HERE / "alertmanager" / "alertmanager.yml").read_text())["receivers"]
    text = json.dumps(receivers)
    assert "http" not in text
    assert text.count("_file") == 2
