"""Write a bundle: plain JSON and arrays, a manifest with the hash of every file, a signature. No pickle."""

from __future__ import annotations

import hashlib
import io
import shutil
import tempfile
from dataclasses import replace
from pathlib import Path

import numpy as np

from riskloop.bundle.bundle import Bundle
from riskloop.bundle.forms import form_of
from riskloop.bundle.sign import KeyRing, canonical

FORMAT = 1


def pack(bundle: Bundle, store: Path, keys: KeyRing) -> tuple[Bundle, Path]:
    """Write the bundle into a folder of the store named after its digest; the same bundle is the same bytes.

    Returns
    -------
    bundle : Bundle
        With its digest.
    path : Path
        The folder; whole or not there at all.
    """
    bundle.check_golden()
    files = contents(bundle)
    manifest = canonical(
        {
            "format": FORMAT,
            "name": bundle.name,
            "files": {name: hashlib.sha256(data).hexdigest() for name, data in files.items()},
        }
    )
    digest = hashlib.sha256(manifest).hexdigest()
    path = store / digest[:16]
    if not path.exists():
        _write(path, files | {"manifest.json": manifest, "signature.json": canonical(keys.sign(manifest))})
    return replace(bundle, digest=digest), path


def contents(bundle: Bundle) -> dict[str, bytes]:
    """Every file of a bundle but manifest and signature."""
    scorer = bundle.scorer
    buffer = io.BytesIO()
    np.savez(buffer, **scorer.model.to_arrays())  # type: ignore[arg-type]
    return {
        "contract.json": canonical(scorer.contract.to_dict()),
        "encoding.json": canonical(scorer.encoding.to_dict()),
        "model.json": canonical({"form": form_of(scorer.model)}),
        "model.npz": buffer.getvalue(),
        "calibration.json": canonical(scorer.calibration.to_dict()),
        "policy.json": canonical(bundle.policy.to_dict()),
        "profile.json": canonical(bundle.profile),
        "card.json": canonical(bundle.card),
        "golden.json": canonical(
            {"requests": list(bundle.golden.requests), "probability": list(bundle.golden.probability)}
        ),
    }


def _write(path: Path, files: dict[str, bytes]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    draft = Path(tempfile.mkdtemp(prefix=".draft-", dir=path.parent))
    try:
        for name, data in files.items():
            (draft / name).write_bytes(data)
        draft.chmod(0o755)
        draft.rename(path)
    except OSError:
        shutil.rmtree(draft, ignore_errors=True)
        if not path.exists():  # another writer of the same bytes was first
            raise
