from __future__ import annotations

from pathlib import Path

import pytest

from riskloop.errors import UsageError
from riskloop.serve.config import ServeConfig


def config(**more):
    return ServeConfig("churn", "sqlite:///x.db", Path("bundles"), Path("keys"), **more)


@pytest.mark.parametrize("host", ["127.0.0.1", "127.0.0.2", "::1", "localhost"])
def test_loopback_is_listened_on(host):
    assert config(host=host).host == host


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "192.168.1.4", "example.com", "", "127.0.0.1.example.com"])
def test_nothing_beyond_loopback_is_listened_on_without_keys(host):
    with pytest.raises(UsageError, match="no API keys") as refused:
        config(host=host)
    assert "127.0.0.1" in refused.value.next_step


def test_with_keys_it_may_listen_anywhere():
    assert config(host="0.0.0.0", guarded=True).host == "0.0.0.0"


@pytest.mark.parametrize("wrong", [{"port": 70_000}, {"workers": 0}, {"max_body_bytes": 0}, {"poll_seconds": 0}])
def test_numbers_that_make_no_sense_are_refused(wrong):
    with pytest.raises(UsageError):
        config(**wrong)


def test_a_configuration_survives_its_way_to_a_worker():
    original = config(workers=3, four_eyes=True, poll_seconds=0.5, spool=Path("spool"), folder=Path("here"))
    assert ServeConfig.from_json(original.to_json()) == original
