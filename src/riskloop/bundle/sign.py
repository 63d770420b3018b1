"""Ed25519 signatures over a bundle's manifest: who made it, and that nothing changed since."""

from __future__ import annotations

import base64
import contextlib
import hashlib
import json
import os
import tempfile
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, PublicFormat

from riskloop.errors import BundleRefused

ALGORITHM = "ed25519"
PRIVATE_KEY = "signing.key"
PUBLIC_SUFFIX = ".pub"
_KEY_BYTES, _SIGNATURE_BYTES = 32, 64
_PURPOSE = b"riskloop bundle manifest\0"
"""Signed with the message: a signature made for anything else with the same key says nothing about a bundle."""


@dataclass(frozen=True)
class KeyRing:
    """The keys of a project: one to sign with (not needed to serve), and those whose bundles are trusted.

    `folder` holds ``signing.key`` (mode 0600) and one ``*.pub`` file per trusted key, base64 of 32 raw bytes.
    Whoever may write to the folder decides what is trusted.
    """

    folder: Path

    def create(self) -> None:
        """Make a signing key unless there is one, and trust it; of two at once the first makes the key of both.

        Raises
        ------
        BundleRefused
            If there is a signing key that cannot be used.
        """
        path = self.folder / PRIVATE_KEY
        if not path.exists():
            self.folder.mkdir(parents=True, exist_ok=True)
            self.folder.chmod(0o700)
            secret = Ed25519PrivateKey.generate().private_bytes(Encoding.Raw, PrivateFormat.Raw, NoEncryption())
            _place(path, base64.b64encode(secret))
        public = _public_text(self._signing_key())
        fingerprint = hashlib.sha256(public.encode()).hexdigest()[:16]
        _place(self.folder / f"{fingerprint}{PUBLIC_SUFFIX}", public.encode())

    def sign(self, message: bytes) -> dict[str, str]:
        """Signature document for a message.

        Raises
        ------
        BundleRefused
            If there is no signing key, others may read it, or it is malformed.
        """
        key = self._signing_key()
        return {
            "algorithm": ALGORITHM,
            "public_key": _public_text(key),
            "signature": base64.b64encode(key.sign(_PURPOSE + message)).decode(),
        }

    def trusted(self) -> frozenset[str]:
        """Base64 texts of the trusted public keys.

        Raises
        ------
        BundleRefused
            If a ``.pub`` file does not hold a key.
        """
        return frozenset(_public_file(path) for path in sorted(self.folder.glob(f"*{PUBLIC_SUFFIX}")))

    def _signing_key(self) -> Ed25519PrivateKey:
        path = self.folder / PRIVATE_KEY
        if not path.is_file():
            raise BundleRefused("There is no signing key.", where=str(path), next_step="run `riskloop init`")
        if os.name == "posix" and path.stat().st_mode & 0o077:
            raise BundleRefused(
                "Others than its owner may use the signing key.",
                where=str(path),
                next_step=f"run `chmod 600 {path}`; if someone had access, delete the key and its .pub file",
            )
        try:
            return Ed25519PrivateKey.from_private_bytes(_decoded(path.read_text().strip(), _KEY_BYTES))
        except (OSError, ValueError) as error:
            raise BundleRefused(
                "The signing key cannot be read.", where=str(path), next_step="restore it, or delete it for a new one"
            ) from error


def verify(message: bytes, document: Any, trusted: Iterable[str]) -> str:
    """Check a signature document; returns the public key that signed.

    Raises
    ------
    BundleRefused
        If the signature is malformed, of a key that is not trusted, or wrong.
    """
    public, key, signature = _signature(document)
    if public not in set(trusted):
        raise BundleRefused(
            f"The bundle is signed with the key {public}, which is not trusted here.",
            where="signature.json",
            next_step="if you trust its maker, put that text into a .pub file among the project's keys",
        )
    try:
        Ed25519PublicKey.from_public_bytes(key).verify(signature, _PURPOSE + message)
    except (InvalidSignature, ValueError) as error:
        raise BundleRefused(
            "The signature does not match the manifest: the bundle was altered.", where="signature.json"
        ) from error
    return public


def _signature(document: Any) -> tuple[str, bytes, bytes]:
    fields = document if isinstance(document, dict) else {}
    try:
        key = _decoded(fields.get("public_key"), _KEY_BYTES)
        signature = _decoded(fields.get("signature"), _SIGNATURE_BYTES)
    except (TypeError, ValueError) as error:
        raise BundleRefused("The signature is malformed.", where="signature.json") from error
    if set(fields) != {"algorithm", "public_key", "signature"} or fields["algorithm"] != ALGORITHM:
        raise BundleRefused("The signature is of an unknown kind.", where="signature.json")
    return fields["public_key"], key, signature


def _decoded(text: Any, size: int) -> bytes:
    """Raw bytes of their one base64 text: base64 has several for the same bytes, and a signed file must have one."""
    raw = base64.b64decode(text, validate=True)
    if len(raw) != size or base64.b64encode(raw).decode() != text:
        raise ValueError(f"not the base64 text of {size} bytes")
    return raw


def _public_file(path: Path) -> str:
    try:
        text = path.read_text().strip()
        _decoded(text, _KEY_BYTES)
    except (OSError, ValueError) as error:
        raise BundleRefused(
            "This file does not hold a public key.",
            where=str(path),
            next_step="it must hold the base64 text of 32 bytes and nothing else; delete it if it is no key",
        ) from error
    return text


def _public_text(key: Ed25519PrivateKey) -> str:
    return base64.b64encode(key.public_key().public_bytes(Encoding.Raw, PublicFormat.Raw)).decode()


def _place(path: Path, data: bytes) -> None:
    """Write a file for the owner alone, whole or not at all, unless it is there."""
    with tempfile.NamedTemporaryFile(prefix=".draft-", dir=path.parent) as draft:
        draft.write(data)
        draft.flush()
        os.fsync(draft.fileno())
        with contextlib.suppress(FileExistsError):
            os.link(draft.name, path)


def canonical(document: Any) -> bytes:
    """JSON with sorted keys and no spare blanks: the same document is the same bytes.

    Raises
    ------
    ValueError, TypeError
        For what JSON cannot hold: NaN, an infinity, half a surrogate pair, an object.
    """
    return json.dumps(document, sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False).encode()
