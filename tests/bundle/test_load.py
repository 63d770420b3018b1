from __future__ import annotations

import io
import json
import os
import pickle
import shutil
import zipfile
from contextlib import suppress
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from riskloop.bundle.arrays import to_bytes
from riskloop.bundle.bundle import Bundle
from riskloop.bundle.load import assemble, load, read_verified
from riskloop.bundle.pack import pack
from riskloop.bundle.sign import KeyRing, canonical
from riskloop.errors import BundleRefused, RiskloopError

FILES = [
    "calibration.json",
    "card.json",
    "contract.json",
    "encoding.json",
    "golden.json",
    "interval.json",
    "linked.json",
    "manifest.json",
    "model.json",
    "model.npz",
    "policy.json",
    "profile.json",
    "reasons.json",
    "signature.json",
]


@pytest.mark.parametrize("name", FILES)
def test_no_byte_of_any_file_can_be_altered(packed, name):
    path = packed.path / name
    whole = path.read_bytes()
    trusted = packed.keys.trusted()
    for position in {*range(0, len(whole), max(1, len(whole) // 40)), *range(max(0, len(whole) - 8), len(whole))}:
        for bit in (1, 2, 16, 128):
            path.write_bytes(whole[:position] + bytes([whole[position] ^ bit]) + whole[position + 1 :])
            with pytest.raises(BundleRefused):
                load(packed.path, trusted)
    path.write_bytes(whole)
    load(packed.path, trusted)


@pytest.mark.parametrize("name", FILES)
def test_no_file_can_be_shortened_lengthened_or_emptied(packed, name):
    path = packed.path / name
    whole = path.read_bytes()
    for other in (b"", whole[:-1], whole + b"\n", whole + whole, b" " + whole):
        path.write_bytes(other)
        with pytest.raises(BundleRefused):
            packed.load()


@pytest.mark.parametrize("name", [name for name in FILES if name != "signature.json"])
def test_a_missing_file_is_named(packed, name):
    (packed.path / name).unlink()
    with pytest.raises(BundleRefused, match=f"'{name}' is missing"):
        packed.load()


def test_an_unsigned_bundle_is_refused_as_such(packed):
    (packed.path / "signature.json").unlink()
    with pytest.raises(BundleRefused, match="not signed"):
        packed.load()


@pytest.mark.parametrize("name", ["model.pkl", ".hidden", "card.json~", "MLmodel"])
def test_an_added_file_is_named(packed, name):
    (packed.path / name).write_bytes(b"")
    with pytest.raises(BundleRefused, match=f"'{name}' does not belong to the bundle"):
        packed.load()


def test_a_renamed_file_is_refused(packed):
    (packed.path / "card.json").rename(packed.path / "Card.json")
    with pytest.raises(BundleRefused, match=r"'Card\.json' does not belong"):
        packed.load()


def test_two_files_cannot_change_places(packed):
    card, profile = packed.path / "card.json", packed.path / "profile.json"
    one, other = card.read_bytes(), profile.read_bytes()
    card.write_bytes(other)
    profile.write_bytes(one)
    with pytest.raises(BundleRefused, match="altered"):
        packed.load()


@pytest.mark.parametrize("name", ["manifest.json", "signature.json"])
def test_manifest_or_signature_of_another_bundle_of_the_same_maker_is_refused(packed, pack_another, name):
    other = pack_another("lapse")
    shutil.copy(other.path / name, packed.path / name)
    with pytest.raises(BundleRefused, match="signature does not match the manifest"):
        packed.load()


def test_manifest_and_signature_of_another_bundle_do_not_cover_these_files(packed, forest_packed):
    for name in ("manifest.json", "signature.json"):
        shutil.copy(forest_packed.path / name, packed.path / name)
    with pytest.raises(BundleRefused, match="altered"):
        packed.load()


def test_a_bundle_of_a_stranger_is_refused_and_says_how_to_trust_its_maker(packed, tmp_path):
    ours = KeyRing(tmp_path / "ours")
    ours.create()
    with pytest.raises(BundleRefused, match="not trusted here") as refused:
        load(packed.path, ours.trusted())
    (public,) = packed.keys.trusted()
    assert public in refused.value.message
    assert ".pub" in refused.value.next_step
    (ours.folder / "maker.pub").write_text(public + "\n")
    load(packed.path, ours.trusted())


def test_who_trusts_nobody_loads_nothing(packed):
    with pytest.raises(BundleRefused, match="not trusted"):
        load(packed.path, [])


def test_a_stranger_who_signs_anew_is_still_a_stranger(packed, tmp_path):
    thief = KeyRing(tmp_path / "thief")
    thief.create()
    trusted = packed.keys.trusted()
    packed.keys = thief
    packed.sign_again(card_json=canonical({"family": "a better one"}))
    with pytest.raises(BundleRefused, match="not trusted"):
        load(packed.path, trusted)


def test_a_folder_that_is_none_is_refused(tmp_path):
    (tmp_path / "file").write_bytes(b"")
    for path in (tmp_path / "nowhere", tmp_path / "file"):
        with pytest.raises(BundleRefused, match="no such bundle"):
            load(path, [])


def test_the_store_may_be_a_link_but_no_file_of_a_bundle(packed, tmp_path):
    (tmp_path / "link").symlink_to(packed.path)
    load(tmp_path / "link", packed.keys.trusted())
    card = packed.path / "card.json"
    card.rename(tmp_path / "card.json")
    card.symlink_to(tmp_path / "card.json")
    with pytest.raises(BundleRefused, match="link"):
        packed.load()


def test_a_pipe_or_a_folder_in_the_place_of_a_file_is_refused_at_once(packed):
    card = packed.path / "card.json"
    card.unlink()
    os.mkfifo(card)
    with pytest.raises(BundleRefused, match="no plain file"):
        packed.load()
    card.unlink()
    card.mkdir()
    with pytest.raises(BundleRefused, match="cannot be read"):
        packed.load()


def test_a_huge_file_is_refused_before_it_is_read(packed):
    with (packed.path / "card.json").open("wb") as stream:
        stream.truncate(1 << 40)  # sparse: takes no space
    with pytest.raises(BundleRefused, match="too large"):
        packed.load()


# From here on the bundle is signed by a trusted key: only the loader's own checks protect.


class Trap:
    """Unpickling this writes a file."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self) -> Any:
        return Path.touch, (self.path,)


def npz(**members: bytes) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for name, data in members.items():
            archive.writestr(f"{name}.npy", data)
    return buffer.getvalue()


def npy(array: Any) -> bytes:
    buffer = io.BytesIO()
    np.save(buffer, array, allow_pickle=True)
    return buffer.getvalue()


def header(text: str, data: bytes = b"") -> bytes:
    padded = text.encode() + b"\n"
    return b"\x93NUMPY\x01\x00" + len(padded).to_bytes(2, "little") + padded + data


def described(descr: str, shape: str, data: bytes = b"") -> bytes:
    return header(f"{{'descr': {descr}, 'fortran_order': False, 'shape': {shape}, }}", data)


def deflated(data: bytes) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("coefficients.npy", data)
        archive.writestr("intercept.npy", npy(np.zeros(1)))
    return buffer.getvalue()


def test_no_pickle_is_ever_loaded(packed, tmp_path):
    trap = Trap(tmp_path / "sprung")
    objects = np.empty(7, dtype=object)
    objects[:] = [trap] * 7
    intercept = npy(np.zeros(1))
    for data in (
        npz(coefficients=npy(objects), intercept=intercept),
        npz(coefficients=pickle.dumps(trap), intercept=intercept),
        npz(coefficients=described("'|O'", "(7,)", pickle.dumps([trap] * 7)), intercept=intercept),
        pickle.dumps(trap),
        npy(objects),
    ):
        packed.sign_again(model_npz=data)
        with pytest.raises(BundleRefused) as refused:
            packed.load()
        assert refused.value.where == "model.npz"
    assert not (tmp_path / "sprung").exists()
    pickle.loads(pickle.dumps(trap))
    assert (tmp_path / "sprung").exists(), "the trap must work, or this test proves nothing"


@pytest.mark.parametrize(
    "coefficients",
    [
        described("'<f8'", "(1000000000000,)"),
        described("'<f8'", "(99999999999999, 99999999999999, 0, 7)", b""),
        described("'<f8'", "(-7,)", bytes(56)),
        described("'<f8'", "(7,)", bytes(48)),
        described("'<f8'", "(7,)", bytes(64)),
        described("'<f8'", "(7, 1)", bytes(56)),
        described("'<f8'", "(" + "1, " * 80 + ")", bytes(8)),
        described("'<f8'", "(True,)", bytes(8)),
        described("'<U999999999'", "(7,)"),
        described("'|V0'", "(999999999999,)"),
        described("[('a', '<f8')]", "(7,)", bytes(56)),
        described("'<f4'", "(7,)", bytes(28)),
        described("'>f8'", "(7,)", bytes(56)),
        described("'<c16'", "(7,)", bytes(112)),
        described("'<i8'", "(7,)", bytes(56)),
        header("{'descr': '<f8', 'fortran_order': True, 'shape': (7,), }", bytes(56)),
        header("__import__('os').system('true')"),
        header("{" * 5000),
        b"\x93NUMPY\x03\x00" + (1 << 31).to_bytes(4, "little"),
        b"",
        npy(np.full(7, np.nan)),
        npy(np.full(7, np.inf)),
        npy(np.zeros(6)),
        npy(np.float64(1.0)),
    ],
)
def test_arrays_that_are_no_coefficients_are_refused(packed, coefficients):
    packed.sign_again(model_npz=npz(coefficients=coefficients, intercept=npy(np.zeros(1))))
    with pytest.raises(BundleRefused):
        packed.load()


def test_a_zip_bomb_is_refused_before_it_is_inflated(packed):
    packed.sign_again(model_npz=deflated(npy(np.zeros(20_000_000))))
    assert (packed.path / "model.npz").stat().st_size < 300_000
    with pytest.raises(BundleRefused, match="compressed"):
        packed.load()


def test_arrays_that_share_their_bytes_are_refused(packed):
    """A zip bomb without compression: members that overlap (Fifield, 2019)."""
    data = bytearray(npz(coefficients=npy(np.zeros(10_000))))
    with zipfile.ZipFile(io.BytesIO(bytes(data))) as archive:
        (member,) = archive.infolist()
        start = archive.start_dir
    entry = bytes(data[start:-22])
    ends = data[-22:]
    many = 50
    ends[8:10] = ends[10:12] = many.to_bytes(2, "little")
    ends[12:16] = (len(entry) * many).to_bytes(4, "little")
    named = b"".join(entry.replace(b"coefficients", b"coefficient%s" % bytes([65 + i])) for i in range(many))
    packed.sign_again(model_npz=bytes(data[:start]) + named + bytes(ends))
    with pytest.raises(BundleRefused, match="claim more bytes"):
        packed.load()
    assert member.file_size > 80_000


def test_two_arrays_of_one_name_are_refused(packed):
    data = npz(intercept=npy(np.zeros(1)), intercepu=npy(np.ones(1)))
    packed.sign_again(model_npz=data.replace(b"intercepu", b"intercept"))
    with pytest.raises(BundleRefused, match="same name"):
        packed.load()


def test_an_encrypted_member_is_refused(packed):
    data = bytearray((packed.path / "model.npz").read_bytes())
    central = data.index(b"PK\x01\x02")
    data[central + 8] |= 1
    packed.sign_again(model_npz=bytes(data))
    with pytest.raises(BundleRefused):
        packed.load()


@pytest.mark.parametrize("form", ["pickle", "onnx", "", None, 1, ["linear"], {"linear": 1}, "forest"])
def test_a_model_of_another_form_is_refused(packed, form):
    packed.sign_again(model_json=canonical({"form": form}))
    with pytest.raises(BundleRefused):
        packed.load()


@pytest.mark.parametrize(
    "text",
    [
        b"[" * 10_000 + b"]" * 10_000,
        b'{"a":' * 10_000 + b"1" + b"}" * 10_000,
        b'{"a":' * 900 + b"1" + b"}" * 900,
        b"[]",
        b"null",
        b'"text"',
        b"NaN",
        b'{"a":NaN}',
        b'{"a":Infinity}',
        b'{"a":1,"a":2}',
        b'{"b":1,"a":2}',
        b'{"a": 1}',
        b'{"a":1e400}',
        b'{"a":' + b"9" * 5000 + b"}",
        b'{"a":"\\ud800"}',
        b'{"a":"\xff"}',
        '{"a":1}'.encode("utf-16"),
        b"\xef\xbb\xbf{}",
        b"",
    ],
)
@pytest.mark.parametrize("name", ["contract_json", "golden_json"])
def test_json_that_is_not_the_one_text_of_a_document_is_refused(packed, name, text):
    packed.sign_again(**{name: text})
    with pytest.raises(BundleRefused):
        packed.load()


def test_a_golden_request_off_by_a_hundred_millionth_is_refused(packed):
    golden = json.loads((packed.path / "golden.json").read_bytes())
    golden["probability"][3] += 1e-8
    packed.sign_again(golden_json=canonical(golden))
    with pytest.raises(BundleRefused, match="off by 1e-08"):
        packed.load()


@pytest.mark.parametrize("value", [17.0, 1e308, "old", None, True, [40], {"a": 1}])
def test_a_golden_request_that_breaks_the_contract_is_refused(packed, value):
    golden = json.loads((packed.path / "golden.json").read_bytes())
    golden["requests"][0]["age"] = value
    packed.sign_again(golden_json=canonical(golden))
    with pytest.raises(BundleRefused, match="breaks the contract"):
        packed.load()


@pytest.mark.parametrize(
    ("old", "new"),
    [
        (b'"source":"age"', b'"source":"churned"'),
        (b'"source":"age"', b'"source":"region"'),
        (b"`avg. bill` / age", b"`avg. bill` / region"),
        (b"`avg. bill` / age", b"__import__('os').getpid()"),
        (b'"scale":10', b'"scale":0'),
        (b'"scale":10', b'"scale":1e999'),
        (b'"kind":"onehot"', b'"kind":"code"'),
        (b'"kind":"onehot"', b'"kind":"lookup"'),
        (b'"levels":["NA","EU"', b'"levels":["EU","NA"'),
        (b'"indicator":true', b'"indicator":"no"'),
    ],
)
def test_an_encoding_that_does_not_fit_its_contract_is_refused(packed, old, new):
    encoding = (packed.path / "encoding.json").read_bytes()
    assert old in encoding
    packed.sign_again(encoding_json=encoding.replace(old, new))
    with pytest.raises(BundleRefused):
        packed.load()


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory, bundle: Bundle) -> dict[str, bytes]:
    """The files of a sound bundle."""
    folder = tmp_path_factory.mktemp("whole")
    keys = KeyRing(folder / "keys")
    keys.create()
    _, path = pack(bundle, folder, keys)
    return read_verified(path, keys.trusted())


plain = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.sampled_from([0, -1, 1e308, 10**400, 1e-320])
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(max_size=5)
    | st.sampled_from(["number", "category", "onehot", "age", "sigmoid", "isotonic", "a / 0", "- " * 240 + "age"]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=4), inner, max_size=3),
    max_leaves=6,
)


def places(document: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    found = [path]
    pairs = document.items() if isinstance(document, dict) else enumerate(document) if type(document) is list else ()
    for key, value in pairs:
        found += places(value, (*path, key))
    return found


def replaced(document: Any, path: tuple[Any, ...], value: Any) -> Any:
    if not path:
        return value
    copied = dict(document) if isinstance(document, dict) else list(document)
    copied[path[0]] = replaced(document[path[0]], path[1:], value)
    return copied


unhurried = settings(max_examples=300, deadline=None, suppress_health_check=[HealthCheck.too_slow])
DOCUMENTS = [name for name in FILES if name.endswith(".json") and name not in ("manifest.json", "signature.json")]


@unhurried
@given(st.data())
def test_whatever_a_document_holds_only_our_own_errors_come_out(whole, data):
    name = data.draw(st.sampled_from(DOCUMENTS))
    document = json.loads(whole[name])
    path = data.draw(st.sampled_from(places(document)))
    try:
        altered = canonical(replaced(document, path, data.draw(plain)))
    except UnicodeEncodeError:
        return
    with suppress(RiskloopError):
        bundle = assemble(whole | {name: altered})
        with np.errstate(all="ignore"):
            bundle.check_golden()


@unhurried
@given(st.data())
def test_whatever_the_arrays_hold_only_our_own_errors_come_out(whole, data):
    archive = bytearray(whole["model.npz"])
    for _ in range(data.draw(st.integers(1, 6))):
        archive[data.draw(st.integers(0, len(archive) - 1))] = data.draw(st.integers(0, 255))
    with suppress(RiskloopError):
        assemble(whole | {"model.npz": bytes(archive[: data.draw(st.integers(0, len(archive)))])})


@unhurried
@given(st.data())
def test_whatever_an_array_holds_only_our_own_errors_come_out(whole, data):
    with np.load(io.BytesIO(whole["model.npz"])) as archive:
        arrays = {name: archive[name] for name in archive.files}
    name = data.draw(st.sampled_from(sorted(arrays)))
    dtype = data.draw(st.sampled_from(["?", "<i4", "<i8", "<f8", arrays[name].dtype.str]))
    shape = data.draw(st.sampled_from([(), (0,), (1,), (2, 3), (0, 5), (7,), (6,), arrays[name].shape]))
    size = int(np.prod(shape)) * np.dtype(dtype).itemsize
    values = np.frombuffer(data.draw(st.binary(min_size=size, max_size=size)), dtype).reshape(shape)
    with suppress(RiskloopError):
        bundle = assemble(whole | {"model.npz": to_bytes(arrays | {name: values})})
        with np.errstate(all="ignore"):
            bundle.check_golden()


@pytest.mark.parametrize(
    "change",
    [{"format": 2}, {"format": None}, {"name": None}, {"files": {}}, {"files": []}, {"files": {"../x": "0"}}],
)
def test_a_manifest_of_another_format_is_refused(packed, change):
    manifest = canonical(json.loads((packed.path / "manifest.json").read_bytes()) | change)
    (packed.path / "manifest.json").write_bytes(manifest)
    (packed.path / "signature.json").write_bytes(canonical(packed.keys.sign(manifest)))
    with pytest.raises(BundleRefused) as refused:
        packed.load()
    assert refused.value.where == "manifest.json"
