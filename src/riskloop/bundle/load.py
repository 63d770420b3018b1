"""Read a bundle: every byte is checked against the signed manifest before any of it is used."""

from __future__ import annotations

import hashlib
import json
import os
import stat
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from riskloop.bundle.arrays import from_bytes
from riskloop.bundle.bundle import Bundle, Golden
from riskloop.bundle.forms import build
from riskloop.bundle.sign import canonical, verify
from riskloop.data.contract import Column, Contract
from riskloop.data.linked.plan import Plan
from riskloop.decide.policy import Policy
from riskloop.decide.reasons import Rules
from riskloop.errors import BundleRefused, RiskloopError
from riskloop.scorer.calibration import Calibration
from riskloop.scorer.encoding import Encoding, sources
from riskloop.scorer.interval import VennAbers
from riskloop.scorer.scorer import Scorer

FORMAT = 1
_PARTS = (
    *("contract", "linked", "encoding", "model", "calibration", "interval", "policy", "reasons"),
    *("profile", "card", "golden"),
)
_FILES = frozenset(f"{name}.json" for name in _PARTS) | {"model.npz"}
_LARGEST = {".json": 64 * 1024**2, ".npz": 2 * 1024**3}
"""Bytes of a file, by its suffix."""


def load(path: Path, trusted: Iterable[str]) -> Bundle:
    """Read, verify and try a bundle.

    Parameters
    ----------
    path : Path
        The bundle's folder.
    trusted : iterable of str
        Base64 texts of trusted public keys (see `riskloop.bundle.sign.KeyRing.trusted`).

    Raises
    ------
    BundleRefused
        If a file is missing, added or altered, the signature is wrong or of a stranger, a part is of an unknown form,
        or the golden requests are answered otherwise than in training.
    """
    bundle = assemble(read_verified(path, trusted))
    with _refusing("golden.json"):
        bundle.check_golden()
    return bundle


def read_verified(path: Path, trusted: Iterable[str]) -> dict[str, bytes]:
    """The bundle's files, manifest included, once hashes and signature hold.

    Raises
    ------
    BundleRefused
        If a file is missing, added, altered or a link, or the signature is missing, wrong or of a stranger.
    """
    _check_names(path)
    manifest_bytes = _read(path / "manifest.json")
    verify(manifest_bytes, _json(_read(path / "signature.json"), "signature.json"), trusted)
    manifest = _json(manifest_bytes, "manifest.json")
    if not isinstance(manifest, dict) or manifest.get("format") != FORMAT:
        raise BundleRefused("The bundle is of an unknown format.", where="manifest.json")
    listed = manifest.get("files")
    if not isinstance(manifest.get("name"), str) or not isinstance(listed, dict) or set(listed) != _FILES:
        raise BundleRefused("The manifest does not name a bundle and its files.", where="manifest.json")
    files = {name: _read(path / name) for name in listed}
    for name, data in files.items():
        if hashlib.sha256(data).hexdigest() != listed[name]:
            raise BundleRefused("The file was altered: its hash is not the manifest's.", where=f"{path.name}/{name}")
    return files | {"manifest.json": manifest_bytes}


def assemble(files: Mapping[str, bytes]) -> Bundle:
    """Build a bundle from the bytes of its files, by a closed set of types.

    Raises
    ------
    BundleRefused
        Whatever part is malformed; never another exception.
    """
    documents = {name: _json(data, name) for name, data in files.items() if name.endswith(".json")}
    for name, document in documents.items():
        if not isinstance(document, dict):
            raise BundleRefused("The file does not hold a mapping.", where=name)
    with _refusing("contract.json"):
        contract = Contract.from_dict(documents["contract.json"])
    with _refusing("linked.json"):
        linked = Plan.from_dict(documents["linked.json"])
        _check_linked(linked, contract)
    with _refusing("encoding.json"):
        encoding = Encoding.from_dict(documents["encoding.json"])
        _check_blocks(encoding, {column.name: column for column in contract.used})
    with _refusing("model.npz"):
        model = build(documents["model.json"], from_bytes(files["model.npz"]))
        _check_width(len(encoding.names), model.n_features)
    with _refusing("calibration.json"):
        calibration = Calibration.from_dict(documents["calibration.json"])
    with _refusing("interval.json"):
        interval = VennAbers.from_dict(documents["interval.json"])
    with _refusing("policy.json"):
        policy = Policy.from_dict(documents["policy.json"])
    with _refusing("reasons.json"):
        rules, baseline = _reasons(documents["reasons.json"], contract)
    with _refusing("golden.json"):
        golden = _golden(documents["golden.json"])
    return Bundle(
        name=documents["manifest.json"]["name"],
        scorer=Scorer(contract, encoding, model, calibration, interval),
        policy=policy,
        golden=golden,
        profile=documents["profile.json"],
        card=documents["card.json"],
        linked=linked,
        rules=rules,
        baseline=baseline,
        digest=hashlib.sha256(files["manifest.json"]).hexdigest(),
    )


@contextmanager
def _refusing(name: str) -> Iterator[None]:
    """Whatever goes wrong while a part is built from its file is a fault of that file."""
    try:
        yield
    except BundleRefused:
        raise
    except RiskloopError as error:
        raise BundleRefused(error.message, where=f"{name}: {error.where}", next_step=error.next_step) from error
    except Exception as error:  # a signed file may still hold anything, and break any constructor in any way
        raise BundleRefused(f"The file is malformed: {error}.", where=name) from error


def _check_blocks(encoding: Encoding, features: Mapping[str, Column]) -> None:
    for block in encoding.blocks:
        for name in sources([block]):
            if name not in features:
                raise BundleRefused(f"The encoding reads {name!r}, which is no feature.", where="encoding.json")
            if not block.reads(features[name]):
                raise BundleRefused(f"The encoding reads {name!r} against its contract.", where="encoding.json")


def _check_linked(plan: Plan, contract: Contract) -> None:
    """Every aggregate feeds the model, and every linked feature is a number."""
    if plan.only(contract.features) != plan:
        raise BundleRefused("A linked table makes what is no feature.", where="linked.json")
    for name in {*plan.names} & {*contract.features}:
        if contract.by_name[name].type != "number":
            raise BundleRefused(f"The linked feature {name!r} is no number in the contract.", where="linked.json")


def _check_width(made: int, expected: int) -> None:
    if made != expected:
        raise BundleRefused(f"The model expects {expected} columns; the encoding makes {made}.", where="model.npz")


def _golden(document: Mapping[str, Any]) -> Golden:
    requests, probability = document["requests"], document["probability"]
    if not all(isinstance(request, dict) for request in requests) or len(requests) != len(probability):
        raise BundleRefused("The golden requests are no mappings, or lack an answer.", where="golden.json")
    return Golden(tuple(requests), tuple(float(value) for value in probability))


def _reasons(document: Mapping[str, Any], contract: Contract) -> tuple[Rules, tuple[dict[str, Any], ...]]:
    baseline = document["baseline"]
    if not baseline or not all(isinstance(request, dict) for request in baseline):
        raise BundleRefused("There are no customers to compare with, or they are no mappings.", where="reasons.json")
    if breaches := contract.decode_rows(baseline).breaches:
        raise BundleRefused(
            f"A customer to compare with breaks the contract: {breaches[0].message}.", where="reasons.json"
        )
    return Rules.from_dict(document["rules"]), tuple(baseline)


def _check_names(path: Path) -> None:
    try:
        present = {entry.name for entry in path.iterdir()}
    except OSError as error:
        raise BundleRefused(
            "There is no such bundle.", where=str(path), next_step="restore the bundle from its store"
        ) from error
    if "signature.json" not in present:
        raise BundleRefused("The bundle is not signed.", where=path.name, next_step="restore it, or train again")
    for name in sorted(present ^ (_FILES | {"manifest.json", "signature.json"})):
        fault = "does not belong to the bundle" if name in present else "is missing"
        raise BundleRefused(f"The file {name!r} {fault}.", where=path.name, next_step="restore it from its store")


def _read(path: Path) -> bytes:
    """A plain file's bytes: neither a link, which could be turned elsewhere, nor a device or pipe without end."""
    where = f"{path.parent.name}/{path.name}"
    try:
        with open(path, "rb", opener=_open_plainly) as stream:
            status = os.fstat(stream.fileno())
            if not stat.S_ISREG(status.st_mode) or status.st_size > _LARGEST[path.suffix]:
                raise BundleRefused("This is no plain file, or too large for a bundle.", where=where)
            return stream.read(status.st_size)
    except OSError as error:
        raise BundleRefused("The file is a link, or cannot be read.", where=where) from error


def _open_plainly(path: str, flags: int) -> int:
    return os.open(path, flags | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_NONBLOCK", 0))


def _json(data: bytes, name: str) -> Any:
    """A document, if these bytes are the one text of it: no key twice, no NaN, no blank that a hash could hide in."""
    with _refusing(name):
        document = json.loads(data)
        canonically = canonical(document) == data
    if not canonically:
        raise BundleRefused("The file is not canonical JSON.", where=name)
    return document
