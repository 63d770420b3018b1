"""The Compose file by the specification, and by what we promise of it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml
from compose_spec import PyCompose

from deploy.recipes import HERE, command_of, compose, interpolate, stages

OURS = ("api", "loop", "mlflow", "bucket", "nginx")
PROFILES = {
    "core": {"nginx", "api", "loop", "mlflow", "postgres", "s3", "bucket"},
    "monitoring": {"prometheus", "alertmanager", "grafana"},
}


@pytest.fixture(scope="module")
def said() -> dict[str, Any]:
    return compose()


def test_it_is_sound_by_the_specification(said: dict[str, Any]) -> None:
    plain = yaml.safe_dump({name: part for name, part in said.items() if not name.startswith("x-")})
    PyCompose.from_yaml(plain).validate()


def test_a_secret_that_is_not_declared_is_noticed(said: dict[str, Any]) -> None:
    """The test above can fail."""
    plain = {name: part for name, part in said.items() if not name.startswith("x-")}
    plain["services"]["api"] = plain["services"]["api"] | {"secrets": ["nowhere"]}
    with pytest.raises(ValueError, match="nowhere"):
        PyCompose.from_yaml(yaml.safe_dump(plain)).validate()


def test_profiles_hold_what_they_say(said: dict[str, Any]) -> None:
    for profile, services in PROFILES.items():
        assert {name for name, one in said["services"].items() if profile in one["profiles"]} == services
    assert {name for name, one in said["services"].items() if "full" in one["profiles"]} == set().union(
        *PROFILES.values()
    )


def test_whoever_waits_waits_for_a_service_of_every_profile_of_its_own(said: dict[str, Any]) -> None:
    for name, one in said["services"].items():
        for other, how in one.get("depends_on", {}).items():
            assert set(one["profiles"]) <= set(said["services"][other]["profiles"]), (name, other)
            healthy = how["condition"] == "service_healthy"
            dockerfile = said["services"][other].get("image") == "riskloop:serve"
            assert not healthy or dockerfile or "healthcheck" in said["services"][other], (name, other)


@pytest.mark.parametrize("name", [*OURS, "prometheus", "alertmanager", "grafana"])
def test_what_can_be_is_locked_down(said: dict[str, Any], name: str) -> None:
    service = said["services"][name]
    assert service["read_only"] is True
    assert service["cap_drop"] == ["ALL"]
    assert service["security_opt"] == ["no-new-privileges:true"]


def test_images_are_pinned_and_none_is_minio(said: dict[str, Any]) -> None:
    for name, service in said["services"].items():
        image, _, tag = service["image"].rpartition(":")
        assert image, name
        assert tag not in ("", "latest"), name
        assert "minio" not in image


def test_secrets_come_from_files_and_only_nginx_is_open_to_others(said: dict[str, Any]) -> None:
    assert all(set(secret) == {"file"} for secret in said["secrets"].values())
    for name, service in said["services"].items():
        for variable, value in service.get("environment", {}).items():
            assert not any(word in variable for word in ("PASSWORD", "SECRET", "TOKEN")) or value.startswith("/run/"), (
                name
            )
        for port in service.get("ports", ()):
            assert name == "nginx" or port.startswith("127.0.0.1:"), name
    assert said["networks"]["back"]["internal"]
    assert said["services"]["postgres"]["networks"] == ["back"]


def test_every_configuration_that_is_mounted_is_there(said: dict[str, Any]) -> None:
    mounted = [
        volume.partition(":")[0]
        for service in said["services"].values()
        for volume in service.get("volumes", ())
        if volume.startswith("./")
    ]
    assert len(mounted) == 6
    assert [path for path in mounted if not (HERE / path).exists()] == []


def test_what_is_not_said_is_asked_for() -> None:
    with pytest.raises(KeyError, match="folder of secrets"):
        interpolate((HERE / "compose.yaml").read_text(), {"RISKLOOP_PROJECT": "/srv", "RISKLOOP_TLS": "/tls"})


def test_variables_of_riskloop_are_ones_that_it_knows(said: dict[str, Any]) -> None:
    import re

    source = "".join(path.read_text() for path in (HERE.parent / "src").rglob("*.py"))
    for variable in said["x-riskloop"]["environment"]:
        if variable.startswith("RISKLOOP_") and not variable.startswith("RISKLOOP__"):
            assert re.search(rf'"{variable}"', source), variable


def test_the_images_end_as_somebody_without_rights() -> None:
    for name in ("serve", "train"):
        image = stages((HERE / "Dockerfile").read_text())[name]
        assert image.of("USER")[-1] == "10001"
        assert image.command[0] == "riskloop"
    assert "/ready" in stages((HERE / "Dockerfile").read_text())["serve"].health[-1]


def test_the_dockerfile_is_well_kept() -> None:
    import subprocess
    import sys

    hadolint = Path(sys.executable).with_name("hadolint")
    if not hadolint.exists():
        pytest.skip("hadolint is not installed; make install-dev")
    done = subprocess.run(
        [hadolint, "-c", HERE / ".hadolint.yaml", HERE / "Dockerfile"], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout


def test_the_command_of_a_service_is_a_list(said: dict[str, Any]) -> None:
    assert command_of(said["services"]["mlflow"])[:2] == ["mlflow", "server"]
