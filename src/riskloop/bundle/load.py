"""Read a bundle: every byte is checked against the signed manifest before any of it is used."""

from __future__ import annotations

import hashlib
import io
import json
import zipfile
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from riskloop.bundle.bundle import Bundle, Golden
from riskloop.bundle.forms import build
from riskloop.bundle.pack import FORMAT
from riskloop.bundle.sign import verify
from riskloop.data.contract import Contract
from riskloop.decide.policy import Policy
from riskloop.errors import BundleRefused, RiskloopError
from riskloop.scorer.calibration import Calibration
from riskloop.scorer.encoding import Encoding, sources
from riskloop.scorer.scorer import Scorer

_FILES = frozenset(
    f"{name}.json" for name in ("contract", "encoding", "model", "calibration", "policy", "profile", "card", "golden")
) | {"model.npz"}
_LARGEST = 2 * 1024**3


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
    try:
        files = read_verified(path, trusted)
        bundle = assemble(files)
        bundle.check_golden()
    except BundleRefused:
        raise
    except RiskloopError as error:
        raise BundleRefused(error.message, where=f"{path.name}: {error.where}") from error
    return bundle


def read_verified(path: Path, trusted: Iterable[str]) -> dict[str, bytes]:
    """The bundle's files, manifest included, once hashes and signature hold."""
    if not path.is_dir():
        raise BundleRefused("There is no such bundle.", where=str(path), next_step="see `riskloop doctor`")
    manifest_bytes = _read(path / "manifest.json")
    verify(manifest_bytes, _json(_read(path / "signature.json"), "signature.json"), trusted)
    manifest = _json(manifest_bytes, "manifest.json")
    if not isinstance(manifest, dict) or manifest.get("format") != FORMAT:
        raise BundleRefused("The bundle is of an unknown format.", where="manifest.json")
    listed = manifest.get("files")
    if not isinstance(listed, dict) or set(listed) != _FILES:
        raise BundleRefused("The manifest does not list the files of a bundle.", where="manifest.json")
    files = {name: _read(path / name) for name in listed}
    for name, data in files.items():
        if hashlib.sha256(data).hexdigest() != listed[name]:
            raise BundleRefused("The file was altered: its hash is not the manifest's.", where=f"{path.name}/{name}")
    return files | {"manifest.json": manifest_bytes}


def assemble(files: dict[str, bytes]) -> Bundle:
    """Build a bundle from the bytes of its files, by a closed set of types.

    Raises
    ------
    RiskloopError
        Whatever part is malformed; never another exception.
    """
    documents = {name: _json(data, name) for name, data in files.items() if name.endswith(".json")}
    contract = Contract.from_dict(_mapping(documents["contract.json"], "contract.json"))
    encoding = Encoding.from_dict(_mapping(documents["encoding.json"], "encoding.json"))
    model = build(_mapping(documents["model.json"], "model.json").get("form"), _arrays(files["model.npz"]))
    calibration = Calibration.from_dict(documents["calibration.json"])
    _fits(contract, encoding, model.n_features)
    return Bundle(
        name=str(_mapping(documents["manifest.json"], "manifest.json").get("name")),
        scorer=Scorer(contract, encoding, model, calibration),
        policy=Policy.from_dict(documents["policy.json"]),
        golden=_golden(documents["golden.json"]),
        profile=_mapping(documents["profile.json"], "profile.json"),
        card=_mapping(documents["card.json"], "card.json"),
        digest=hashlib.sha256(files["manifest.json"]).hexdigest(),
    )


def _fits(contract: Contract, encoding: Encoding, width: int) -> None:
    unknown = [name for name in sources(encoding.blocks) if name not in contract.features]
    if unknown:
        raise BundleRefused(f"The encoding reads {unknown[0]!r}, which is no feature.", where="encoding.json")
    if len(encoding.names) != width:
        raise BundleRefused(
            f"The model expects {width} columns; the encoding makes {len(encoding.names)}.", where="model.npz"
        )


def _golden(document: Any) -> Golden:
    try:
        requests = tuple(dict(request) for request in document["requests"])
        probability = tuple(float(value) for value in document["probability"])
    except (KeyError, TypeError, ValueError) as error:
        raise BundleRefused("The golden requests are malformed.", where="golden.json") from error
    if len(requests) != len(probability):
        raise BundleRefused("The golden requests and their answers differ in number.", where="golden.json")
    return Golden(requests, probability)


def _arrays(data: bytes) -> dict[str, NDArray[Any]]:
    try:
        with np.load(io.BytesIO(data), allow_pickle=False) as archive:
            return {name: archive[name] for name in archive.files}
    except (ValueError, OSError, zipfile.BadZipFile, KeyError, EOFError, NotImplementedError, MemoryError) as error:
        raise BundleRefused(f"The arrays cannot be read: {error}.", where="model.npz") from error


def _read(path: Path) -> bytes:
    try:
        if path.stat().st_size > _LARGEST:
            raise BundleRefused("The file is too large for a bundle.", where=f"{path.parent.name}/{path.name}")
        return path.read_bytes()
    except OSError as error:
        raise BundleRefused(
            "The file is missing or cannot be read.", where=f"{path.parent.name}/{path.name}"
        ) from error


def _json(data: bytes, name: str) -> Any:
    try:
        return json.loads(data)
    except (ValueError, RecursionError) as error:
        raise BundleRefused("The file is not JSON.", where=name) from error


def _mapping(document: Any, name: str) -> dict[str, Any]:
    if not isinstance(document, dict):
        raise BundleRefused("The file does not hold a mapping.", where=name)
    return document
