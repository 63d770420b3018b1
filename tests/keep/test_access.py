from __future__ import annotations

from datetime import datetime, timedelta
from pathlib import Path

import pytest
from sqlalchemy import Engine

from riskloop.errors import Conflict, NotFound, UsageError
from riskloop.keep.access import ROLES, Access, Call, hash_of, may


@pytest.fixture
def access(engine: Engine) -> Access:
    return Access(engine)


def test_a_token_is_shown_once_and_only_its_hash_is_kept(access: Access, noon: datetime, tmp_path: Path) -> None:
    key, token = access.add("crm", "scorer", noon)
    assert token.startswith("rk_")
    assert len(token) > 40
    assert access.in_force() == {hash_of(token): key}
    for file in tmp_path.iterdir():
        assert token[3:].encode() not in file.read_bytes()


def test_tokens_are_never_the_same(access: Access, noon: datetime) -> None:
    assert len({access.add(f"k{number}", "viewer", noon)[1] for number in range(20)}) == 20


def test_a_revoked_key_is_out_of_force_and_on_the_list(access: Access, noon: datetime) -> None:
    key, _ = access.add("crm", "scorer", noon)
    later = noon + timedelta(days=1)
    revoked = access.revoke("crm", later)
    assert access.in_force() == {}
    assert access.list() == (revoked,)
    assert (revoked.key_id, revoked.revoked_at) == (key.key_id, later)
    _, token = access.add("crm", "scorer", later)
    assert set(access.in_force()) == {hash_of(token)}


def test_a_name_holds_one_key_at_a_time(access: Access, noon: datetime) -> None:
    access.add("crm", "scorer", noon)
    with pytest.raises(Conflict, match="'crm' already"):
        access.add("crm", "admin", noon)


@pytest.mark.parametrize("name", ["", " crm", "a\nb", "x" * 101])
def test_a_name_is_one_that_logs_can_show(access: Access, noon: datetime, name: str) -> None:
    with pytest.raises(UsageError):
        access.add(name, "scorer", noon)


def test_an_unknown_role_and_an_unknown_name_are_refused(access: Access, noon: datetime) -> None:
    with pytest.raises(UsageError, match="no role"):
        access.add("crm", "root", noon)  # type: ignore[arg-type]
    with pytest.raises(NotFound, match="'crm'"):
        access.revoke("crm", noon)


def test_roles_are_a_ladder() -> None:
    for place, role in enumerate(ROLES):
        assert [may(role, needed) for needed in ROLES] == [True] * (place + 1) + [False] * (3 - place)


def test_calls_are_kept_in_their_order(access: Access, noon: datetime) -> None:
    made = [Call(noon, "ada", "k", "POST", "/rollback", status, "r", "127.0.0.1") for status in (200, 403, 409)]
    for call in made:
        access.record(call)
    assert access.calls() == tuple(reversed(made))
    assert access.calls(1) == (made[-1],)
