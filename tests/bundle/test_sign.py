from __future__ import annotations

import base64
import json
import os
import threading
from concurrent.futures import ThreadPoolExecutor

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from hypothesis import given
from hypothesis import strategies as st

from riskloop.bundle.sign import KeyRing, canonical, verify
from riskloop.errors import BundleRefused

MESSAGE = b'{"format":1}'


def mode(path):
    return path.stat().st_mode & 0o777


def test_a_signature_holds_for_its_message_only(keys):
    document = keys.sign(MESSAGE)
    assert verify(MESSAGE, document, keys.trusted()) == document["public_key"]
    for other in (b"", MESSAGE + b" ", MESSAGE[:-1]):
        with pytest.raises(BundleRefused, match="does not match"):
            verify(other, document, keys.trusted())


def test_keys_are_for_their_owner_alone_whatever_the_umask(tmp_path):
    umask = os.umask(0)
    try:
        ring = KeyRing(tmp_path / "state" / "keys")
        ring.create()
    finally:
        os.umask(umask)
    assert mode(ring.folder) == 0o700
    assert {mode(path) for path in ring.folder.iterdir()} == {0o600}


def test_a_folder_that_was_open_is_closed_when_a_key_is_put_in(tmp_path):
    tmp_path.chmod(0o755)
    KeyRing(tmp_path).create()
    assert mode(tmp_path) == 0o700


def test_creating_again_keeps_the_key(keys):
    before = {path.name: path.read_bytes() for path in keys.folder.iterdir()}
    keys.create()
    assert {path.name: path.read_bytes() for path in keys.folder.iterdir()} == before


def test_two_creators_at_once_end_with_one_key_that_is_trusted(tmp_path):
    for attempt in range(5):
        ring = KeyRing(tmp_path / str(attempt))
        barrier = threading.Barrier(4)

        def create(_, ring=ring, barrier=barrier):
            barrier.wait()
            ring.create()

        with ThreadPoolExecutor(4) as pool:
            list(pool.map(create, range(4)))
        assert len(list(ring.folder.iterdir())) == 2
        verify(MESSAGE, ring.sign(MESSAGE), ring.trusted())


def test_a_key_whose_public_half_was_lost_on_the_way_is_trusted_after_all(keys):
    (public,) = keys.folder.glob("*.pub")
    public.unlink()
    assert keys.trusted() == frozenset()
    keys.create()
    verify(MESSAGE, keys.sign(MESSAGE), keys.trusted())


def test_after_a_new_key_old_signatures_are_still_trusted(keys):
    old = keys.sign(MESSAGE)
    (keys.folder / "signing.key").unlink()
    keys.create()
    assert len(keys.trusted()) == 2
    verify(MESSAGE, old, keys.trusted())
    verify(MESSAGE, keys.sign(MESSAGE), keys.trusted())


@pytest.mark.skipif(os.name != "posix", reason="file modes are POSIX")
@pytest.mark.parametrize("too_open", [0o644, 0o640, 0o604, 0o620, 0o610])
def test_a_key_that_others_may_use_signs_nothing(keys, too_open):
    (keys.folder / "signing.key").chmod(too_open)
    with pytest.raises(BundleRefused, match="Others than its owner") as refused:
        keys.sign(MESSAGE)
    assert "chmod 600" in refused.value.next_step


@pytest.mark.parametrize("text", [b"", b"secret", b"\xff\xfe", base64.b64encode(bytes(31)), b"-----BEGIN PRIVATE KEY"])
def test_a_broken_signing_key_is_named(keys, text):
    (keys.folder / "signing.key").write_bytes(text)
    with pytest.raises(BundleRefused, match="cannot be read") as refused:
        keys.sign(MESSAGE)
    assert refused.value.where.endswith("signing.key")


def test_no_secret_is_ever_part_of_a_message(keys):
    secret = (keys.folder / "signing.key").read_text()
    (keys.folder / "signing.key").write_text(secret[:-4])
    with pytest.raises(BundleRefused) as refused:
        keys.sign(MESSAGE)
    assert secret[:8] not in str(refused.value)
    assert secret[:8] not in repr(keys)


@pytest.mark.parametrize("text", ["", "ssh-ed25519 AAAA me@here", base64.b64encode(bytes(33)).decode(), "é"])
def test_a_file_that_holds_no_public_key_is_named(keys, text):
    (keys.folder / "friend.pub").write_text(text)
    with pytest.raises(BundleRefused, match="does not hold a public key") as refused:
        keys.trusted()
    assert refused.value.where.endswith("friend.pub")


def test_a_public_key_may_end_in_a_newline(keys):
    (path,) = keys.folder.glob("*.pub")
    before = keys.trusted()
    path.write_text(path.read_text() + "\r\n")
    assert keys.trusted() == before


def test_the_same_bytes_signed_for_another_purpose_are_no_signature(keys):
    key = Ed25519PrivateKey.from_private_bytes(base64.b64decode((keys.folder / "signing.key").read_bytes()))
    document = keys.sign(MESSAGE) | {"signature": base64.b64encode(key.sign(MESSAGE)).decode()}
    with pytest.raises(BundleRefused, match="does not match"):
        verify(MESSAGE, document, keys.trusted())


def test_a_signature_has_one_text_only(keys):
    """The last character but two of base64 carries four bits that decode to nothing."""
    document = keys.sign(MESSAGE)
    signature = document["signature"]
    alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"
    place = alphabet.index(signature[-3])
    twin = signature[:-3] + alphabet[place ^ 1] + "=="
    assert base64.b64decode(twin) == base64.b64decode(signature)
    for text in (twin, signature + "\n", " " + signature, signature[:-2]):
        with pytest.raises(BundleRefused, match="malformed"):
            verify(MESSAGE, document | {"signature": text}, keys.trusted())


@pytest.mark.parametrize(
    "change",
    [
        {"algorithm": "none"},
        {"algorithm": "ED25519"},
        {"algorithm": None},
        {"public_key": None},
        {"public_key": ["a"]},
        {"public_key": ""},
        {"signature": 1},
        {"signature": ""},
        {"signature": "é"},
        {"note": "more"},
    ],
)
def test_a_malformed_signature_is_refused(keys, change):
    with pytest.raises(BundleRefused):
        verify(MESSAGE, keys.sign(MESSAGE) | change, keys.trusted())


@pytest.mark.parametrize("document", [None, [], "text", 1, {}, [["algorithm", "ed25519"]]])
def test_a_signature_that_is_no_mapping_is_refused(keys, document):
    with pytest.raises(BundleRefused):
        verify(MESSAGE, document, keys.trusted())


def test_the_all_zero_key_and_signature_prove_nothing(keys):
    """A point of small order verifies with an all-zero signature in lenient implementations."""
    zero = base64.b64encode(bytes(32)).decode()
    document = {"algorithm": "ed25519", "public_key": zero, "signature": base64.b64encode(bytes(64)).decode()}
    with pytest.raises(BundleRefused, match="not trusted"):
        verify(MESSAGE, document, keys.trusted())


plain = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=10,
)


@given(plain)
def test_canonical_json_reads_back_and_is_a_fixed_point(document):
    text = canonical(document)
    assert json.loads(text) == document
    assert canonical(json.loads(text)) == text


@given(st.dictionaries(st.text(), st.integers()))
def test_the_order_of_keys_does_not_reach_canonical_json(document):
    assert canonical(dict(reversed(document.items()))) == canonical(document)


@pytest.mark.parametrize("value", [float("nan"), float("inf"), object(), {1, 2}, b"bytes", {1: 1, "1": 2}])
def test_what_json_cannot_hold_has_no_canonical_text(value):
    with pytest.raises((TypeError, ValueError)):
        canonical(value)
