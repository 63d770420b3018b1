"""Write a bundle: plain JSON and arrays, a manifest with the hash of every file, a signature. No pickle."""

from __future__ import annotations

import hashlib
import os
import tempfile
from dataclasses import replace
from pathlib import Path
from typing import Any

from riskloop.bundle.arrays import to_bytes
from riskloop.bundle.bundle import Bundle
from riskloop.bundle.forms import form_of
from riskloop.bundle.load import FORMAT, assemble, read_verified
from riskloop.bundle.sign import KeyRing, canonical
from riskloop.errors import BundleRefused


def pack(bundle: Bundle, store: Path, keys: KeyRing) -> tuple[Bundle, Path]:
    """Write the bundle into a folder of the store named after its digest; the same bundle is the same bytes.

    Returns
    -------
    bundle : Bundle
        With its digest.
    path : Path
        The folder; whole or not there at all.

    Raises
    ------
    BundleRefused
        If a part cannot be written and read back, or answers the golden requests otherwise than in training; if there
        is no signing key, or a damaged bundle stands in the folder.
    """
    files = contents(bundle)
    manifest = canonical(
        {
            "format": FORMAT,
            "name": bundle.name,
            "files": {name: hashlib.sha256(data).hexdigest() for name, data in files.items()},
        }
    )
    packed = replace(bundle, digest=hashlib.sha256(manifest).hexdigest())
    assemble(files | {"manifest.json": manifest}).check_golden()
    path = store / packed.digest[:16]
    if not path.exists():
        _write(path, files | {"manifest.json": manifest, "signature.json": canonical(keys.sign(manifest))})
    _check_standing(path, manifest, keys)
    return packed, path


def contents(bundle: Bundle) -> dict[str, bytes]:
    """Every file of a bundle but manifest and signature.

    Raises
    ------
    BundleRefused
        If a part holds what JSON cannot (NaN), or the model is of an unknown form.
    """
    scorer, golden = bundle.scorer, bundle.golden
    documents: dict[str, Any] = {
        "contract.json": scorer.contract.to_dict(),
        "linked.json": bundle.linked.to_dict(),
        "encoding.json": scorer.encoding.to_dict(),
        "model.json": form_of(scorer.model),
        "calibration.json": scorer.calibration.to_dict(),
        "interval.json": scorer.interval.to_dict(),
        "policy.json": bundle.policy.to_dict(),
        "reasons.json": {"rules": bundle.rules.to_dict(), "baseline": list(bundle.baseline)},
        "profile.json": bundle.profile,
        "card.json": bundle.card,
        "golden.json": {"requests": list(golden.requests), "probability": list(golden.probability)},
    }
    files = {name: _json(document, name) for name, document in documents.items()}
    return files | {"model.npz": to_bytes(scorer.model.to_arrays())}


def _json(document: Any, name: str) -> bytes:
    try:
        return canonical(document)
    except (TypeError, ValueError, RecursionError) as error:
        raise BundleRefused(f"This part of the bundle cannot be written: {error}.", where=name) from error


def _write(path: Path, files: dict[str, bytes]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix=".draft-", dir=path.parent) as draft:
        whole = Path(draft) / path.name
        whole.mkdir()
        for name, data in files.items():
            with (whole / name).open("wb") as stream:
                stream.write(data)
                stream.flush()
                os.fsync(stream.fileno())
        try:
            whole.rename(path)
        except OSError:
            if not path.exists():  # else another writer of the same bytes was first
                raise


def _check_standing(path: Path, manifest: bytes, keys: KeyRing) -> None:
    """What stands in the folder, ours or an earlier writer's, must be this bundle."""
    try:
        standing = read_verified(path, keys.trusted())["manifest.json"]
    except BundleRefused as error:
        raise BundleRefused(
            error.message,
            where=error.where,
            next_step=error.next_step or f"move the folder {path} away and pack again",
        ) from error
    if standing != manifest:
        raise BundleRefused("Another bundle stands in this folder.", where=str(path), next_step="move it away")
