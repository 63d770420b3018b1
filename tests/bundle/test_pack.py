from __future__ import annotations

import io
import os
import subprocess
import sys
import threading
import time
import zipfile
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from riskloop.bundle import pack as packing
from riskloop.bundle.bundle import Bundle, Golden
from riskloop.bundle.load import load
from riskloop.bundle.pack import contents, pack
from riskloop.bundle.sign import KeyRing
from riskloop.errors import BundleRefused
from riskloop.scorer.encoding import Encoding


def files_of(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.iterdir()}


def test_what_was_packed_answers_bit_for_bit_when_loaded(bundle, keys, tmp_path):
    packed, path = pack(bundle, tmp_path / "bundles", keys)
    loaded = load(path, keys.trusted())
    customers = [*bundle.golden.requests, bundle.golden.requests[1] | {"plan": "never seen"}]
    ours, theirs = bundle.score(customers)[0], loaded.score(customers)[0]
    assert ours.tobytes() == theirs.tobytes()
    assert loaded.digest == packed.digest
    assert path.name == packed.digest[:16]
    assert (loaded.name, loaded.policy, loaded.profile, loaded.card) == (
        bundle.name,
        bundle.policy,
        bundle.profile,
        bundle.card,
    )


def test_the_same_bundle_is_the_same_bytes(bundle, keys, tmp_path):
    first, one = pack(bundle, tmp_path / "one", keys)
    second, two = pack(bundle, tmp_path / "two", keys)
    assert first.digest == second.digest
    assert files_of(one) == files_of(two)


def test_a_bundle_that_was_loaded_packs_to_the_bytes_it_came_from(bundle, keys, tmp_path):
    _, one = pack(bundle, tmp_path / "one", keys)
    _, two = pack(load(one, keys.trusted()), tmp_path / "two", keys)
    assert files_of(one) == files_of(two)


PACK_ELSEWHERE = """
import sys, time
from pathlib import Path
time.time = lambda: 2e9  # another time of day
from riskloop.bundle.load import load
from riskloop.bundle.pack import pack
from riskloop.bundle.sign import KeyRing
keys = KeyRing(Path(sys.argv[1]))
print(pack(load(Path(sys.argv[2]), keys.trusted()), Path(sys.argv[3]), keys)[0].digest)
"""


def test_another_process_at_another_time_makes_the_same_bytes(bundle, keys, tmp_path):
    packed, path = pack(bundle, tmp_path / "here", keys)
    command = [sys.executable, "-c", PACK_ELSEWHERE, str(keys.folder), str(path), str(tmp_path / "there")]
    environ = os.environ | {"PYTHONHASHSEED": "123", "TZ": "Pacific/Auckland"}
    done = subprocess.run(command, env=environ, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == packed.digest
    assert files_of(tmp_path / "there" / path.name) == files_of(path)


def test_the_layout_of_arrays_in_memory_does_not_reach_the_bytes(linear_bundle):
    coefficients = linear_bundle.scorer.model.coefficients
    strided = np.repeat(coefficients, 2)[::2]
    model = replace(linear_bundle.scorer.model, coefficients=strided)
    again = replace(linear_bundle, scorer=replace(linear_bundle.scorer, model=model))
    assert not strided.flags.c_contiguous
    assert contents(again) == contents(linear_bundle)


def test_no_file_of_a_bundle_is_compressed_or_dated(packed):
    with zipfile.ZipFile(packed.path / "model.npz") as archive:
        for member in archive.infolist():
            assert member.compress_type == zipfile.ZIP_STORED
            assert member.date_time == (1980, 1, 1, 0, 0, 0)


def test_the_arrays_also_open_with_numpy(packed):
    with np.load(io.BytesIO((packed.path / "model.npz").read_bytes()), allow_pickle=False) as archive:
        assert np.array_equal(archive["coefficients"], packed.bundle.scorer.model.coefficients)


def test_without_a_signing_key_nothing_is_written(linear_bundle, tmp_path):
    with pytest.raises(BundleRefused, match="no signing key"):
        pack(linear_bundle, tmp_path / "bundles", KeyRing(tmp_path / "nowhere"))
    assert not (tmp_path / "bundles").exists()


def test_a_bundle_that_answers_otherwise_than_training_is_not_packed(linear_bundle, keys, tmp_path):
    golden = linear_bundle.golden
    off = replace(linear_bundle, golden=Golden(golden.requests, tuple(p + 1e-8 for p in golden.probability)))
    with pytest.raises(BundleRefused, match="off by 1e-08"):
        pack(off, tmp_path / "bundles", keys)
    assert not (tmp_path / "bundles").exists()


@pytest.mark.parametrize("card", [{"roc_auc": float("nan")}, {"when": object()}, {1: "a", 10: "b", 9: "c"}])
def test_a_card_that_json_cannot_hold_is_not_packed(linear_bundle, keys, tmp_path, card):
    with pytest.raises(BundleRefused) as refused:
        pack(replace(linear_bundle, card=card), tmp_path / "bundles", keys)
    assert refused.value.where == "card.json"
    assert not (tmp_path / "bundles").exists()


def test_a_bundle_that_could_not_be_loaded_is_not_packed(linear_bundle, keys, tmp_path):
    narrower = Encoding(linear_bundle.scorer.encoding.blocks[:-1])
    scorer = replace(linear_bundle.scorer, encoding=narrower)
    with pytest.raises(BundleRefused, match="expects 7 columns; the encoding makes 6"):
        pack(replace(linear_bundle, scorer=scorer), tmp_path / "bundles", keys)


def test_writers_of_the_same_bundle_at_once_all_succeed_and_leave_one(linear_bundle, keys, tmp_path):
    barrier = threading.Barrier(6)

    def write(_: int) -> tuple[Bundle, Path]:
        barrier.wait()
        return pack(linear_bundle, tmp_path / "bundles", keys)

    with ThreadPoolExecutor(6) as pool:
        results = list(pool.map(write, range(6)))
    assert len({(bundle.digest, path) for bundle, path in results}) == 1
    assert [path.name for path in (tmp_path / "bundles").iterdir()] == [results[0][1].name]
    load(results[0][1], keys.trusted())


@pytest.mark.parametrize("fault", [OSError("disk full"), KeyboardInterrupt(), MemoryError()])
def test_a_crash_in_the_middle_leaves_nothing(linear_bundle, keys, tmp_path, monkeypatch, fault):
    synced = []

    def fsync(descriptor: int) -> None:
        synced.append(descriptor)
        if len(synced) == 4:
            raise fault

    monkeypatch.setattr(packing.os, "fsync", fsync)
    with pytest.raises(type(fault)):
        pack(linear_bundle, tmp_path / "bundles", keys)
    assert list((tmp_path / "bundles").iterdir()) == []
    monkeypatch.undo()
    _, path = pack(linear_bundle, tmp_path / "bundles", keys)
    load(path, keys.trusted())


KILLED = """
import os, signal, sys
from pathlib import Path
from riskloop.bundle import pack as packing
from riskloop.bundle.load import load
from riskloop.bundle.sign import KeyRing
keys = KeyRing(Path(sys.argv[1]))
packing.os.fsync = lambda descriptor: os.kill(os.getpid(), signal.SIGKILL)
packing.pack(load(Path(sys.argv[2]), keys.trusted()), Path(sys.argv[3]), keys)
"""


def test_a_draft_left_by_a_killed_process_is_in_nobodys_way(packed, tmp_path):
    store = tmp_path / "elsewhere"
    command = [sys.executable, "-c", KILLED, str(packed.keys.folder), str(packed.path), str(store)]
    assert subprocess.run(command, check=False).returncode == -9
    assert [path.name[:7] for path in store.iterdir()] == [".draft-"]
    _, path = pack(packed.load(), store, packed.keys)
    assert load(path, packed.keys.trusted()).digest == packed.bundle.digest


def test_packing_again_leaves_the_bundle_untouched(packed):
    before = {path: path.stat().st_mtime_ns for path in packed.path.iterdir()}
    time.sleep(0.01)
    pack(packed.bundle, packed.path.parent, packed.keys)
    assert {path: path.stat().st_mtime_ns for path in packed.path.iterdir()} == before


def test_a_damaged_bundle_in_the_place_of_a_new_one_is_not_taken_for_it(packed):
    (packed.path / "card.json").write_bytes(b"{}")
    with pytest.raises(BundleRefused, match="altered") as refused:
        pack(packed.bundle, packed.path.parent, packed.keys)
    assert str(packed.path) in refused.value.next_step


def test_every_user_of_the_machine_who_may_read_the_store_may_read_the_bundle(packed):
    umask = os.umask(0)
    os.umask(umask)
    assert packed.path.stat().st_mode & 0o777 == 0o777 & ~umask
