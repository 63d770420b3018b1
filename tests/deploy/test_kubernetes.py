"""The manifests by Kubernetes' own schema, and by what we promise of them."""

from __future__ import annotations

import copy
from typing import Any

import kubernetes_validate
import pytest
import yaml

from deploy.recipes import HERE, stages

ITEMS: list[dict[str, Any]] = yaml.safe_load((HERE / "kubernetes" / "riskloop.yaml").read_text())["items"]


def _named(kind: str, name: str) -> dict[str, Any]:
    (found,) = [one for one in ITEMS if (one["kind"], one["metadata"]["name"]) == (kind, name)]
    return found


def _pods() -> dict[str, dict[str, Any]]:
    found = {}
    for one in ITEMS:
        spec = one.get("spec", {})
        template = spec.get("template") or spec.get("jobTemplate", {}).get("spec", {}).get("template")
        if template:
            found[one["metadata"]["name"]] = template
    return found


@pytest.mark.parametrize("version", ["1.31.0", kubernetes_validate.latest_version()])
@pytest.mark.parametrize("item", ITEMS, ids=lambda one: f"{one['kind']}-{one['metadata']['name']}")
def test_every_manifest_is_sound(item: dict[str, Any], version: str) -> None:
    kubernetes_validate.validate(item, version, strict=True)


def test_a_word_that_is_none_is_noticed() -> None:
    """The test above can fail."""
    wrong = copy.deepcopy(_named("Deployment", "riskloop"))
    wrong["spec"]["template"]["spec"]["containers"][0]["livenesProbe"] = {}
    with pytest.raises(kubernetes_validate.ValidationError):
        kubernetes_validate.validate(wrong, kubernetes_validate.latest_version(), strict=True)


@pytest.mark.parametrize("name", ["riskloop", "riskloop-monitor", "riskloop-retrain"])
def test_pods_run_without_rights(name: str) -> None:
    spec = _pods()[name]["spec"]
    assert spec["securityContext"]["runAsNonRoot"] is True
    assert spec["automountServiceAccountToken"] is False
    for container in [*spec["initContainers"], *spec["containers"]]:
        assert container["securityContext"] == {
            "allowPrivilegeEscalation": False,
            "readOnlyRootFilesystem": True,
            "capabilities": {"drop": ["ALL"]},
        }
        assert {"requests", "limits"} <= set(container["resources"])
        mounted = {mount["name"] for mount in container["volumeMounts"]}
        assert mounted <= {volume["name"] for volume in spec["volumes"]}


def test_only_what_trains_can_sign() -> None:
    def secrets(name: str) -> str:
        return str(_pods()[name]["spec"]["volumes"])

    assert "riskloop-signing" in secrets("riskloop-retrain")
    assert "riskloop-signing" not in secrets("riskloop") + secrets("riskloop-monitor")


def test_the_service_lives_and_is_ready_by_two_questions() -> None:
    (api,) = _pods()["riskloop"]["spec"]["containers"]
    assert api["livenessProbe"]["httpGet"]["path"] == "/health"  # without a champion it is no cure to start again
    assert api["readinessProbe"]["httpGet"]["path"] == "/ready"
    assert api["command"] == stages((HERE / "Dockerfile").read_text())["serve"].command


def test_what_selects_the_service_finds_it() -> None:
    labels = _pods()["riskloop"]["metadata"]["labels"]
    for selector in (
        _named("Service", "riskloop")["spec"]["selector"],
        _named("Deployment", "riskloop")["spec"]["selector"]["matchLabels"],
        _named("PodDisruptionBudget", "riskloop")["spec"]["selector"]["matchLabels"],
        _named("NetworkPolicy", "who-asks")["spec"]["podSelector"]["matchLabels"],
    ):
        assert selector.items() <= labels.items()
    assert _named("HorizontalPodAutoscaler", "riskloop")["spec"]["scaleTargetRef"]["name"] == "riskloop"


def test_nobody_may_talk_unless_told() -> None:
    spec = _named("NetworkPolicy", "nobody")["spec"]
    assert spec == {"podSelector": {}, "policyTypes": ["Ingress", "Egress"]}
