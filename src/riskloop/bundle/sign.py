"""Ed25519 signatures over a bundle's manifest: who made it, and that nothing changed since."""

from __future__ import annotations

import base64
import binascii
import json
import os
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


@dataclass(frozen=True)
class KeyRing:
    """The keys of a project: one to sign with (not needed to serve), and those whose bundles are trusted.

    `folder` holds ``signing.key`` (mode 0600) and one ``*.pub`` file per trusted key, base64 of 32 raw bytes.
    """

    folder: Path

    def create(self) -> None:
        """Make a signing key unless there is one."""
        self.folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        path = self.folder / PRIVATE_KEY
        if path.exists():
            return
        key = Ed25519PrivateKey.generate()
        secret = key.private_bytes(Encoding.Raw, PrivateFormat.Raw, NoEncryption())
        draft = path.with_suffix(f".{os.getpid()}")
        descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "wb") as stream:
            stream.write(base64.b64encode(secret))
        (self.folder / f"local{PUBLIC_SUFFIX}").write_text(_public_text(key))
        draft.replace(path)

    def sign(self, message: bytes) -> dict[str, str]:
        """Signature document for a message.

        Raises
        ------
        BundleRefused
            If there is no signing key.
        """
        path = self.folder / PRIVATE_KEY
        if not path.is_file():
            raise BundleRefused("There is no signing key.", where=str(path), next_step="run `riskloop init`")
        key = Ed25519PrivateKey.from_private_bytes(base64.b64decode(path.read_bytes()))
        return {
            "algorithm": ALGORITHM,
            "public_key": _public_text(key),
            "signature": base64.b64encode(key.sign(message)).decode(),
        }

    def trusted(self) -> frozenset[str]:
        """Base64 texts of the trusted public keys."""
        return frozenset(path.read_text().strip() for path in sorted(self.folder.glob(f"*{PUBLIC_SUFFIX}")))


def verify(message: bytes, document: Any, trusted: Iterable[str]) -> str:
    """Check a signature document; returns the public key that signed.

    Raises
    ------
    BundleRefused
        If the signature is malformed, of a key that is not trusted, or wrong.
    """
    try:
        public, signature, algorithm = document["public_key"], document["signature"], document["algorithm"]
        raw_key, raw_signature = base64.b64decode(public, validate=True), base64.b64decode(signature, validate=True)
    except (KeyError, TypeError, ValueError, binascii.Error) as error:
        raise BundleRefused("The signature is malformed.", where="signature.json") from error
    if algorithm != ALGORITHM or public not in set(trusted):
        raise BundleRefused(
            "The bundle is signed with a key that is not trusted here.",
            where="signature.json",
            next_step="add the maker's .pub file to the project's keys if you trust it",
        )
    try:
        Ed25519PublicKey.from_public_bytes(raw_key).verify(raw_signature, message)
    except (InvalidSignature, ValueError) as error:
        raise BundleRefused(
            "The signature does not match the manifest: the bundle was altered.", where="signature.json"
        ) from error
    return str(public)


def _public_text(key: Ed25519PrivateKey) -> str:
    return base64.b64encode(key.public_key().public_bytes(Encoding.Raw, PublicFormat.Raw)).decode()


def canonical(document: Any) -> bytes:
    """JSON with sorted keys and no spare blanks: the same document is the same bytes."""
    return json.dumps(document, sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False).encode()
