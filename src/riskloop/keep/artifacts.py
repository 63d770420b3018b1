"""Where bundles and reports lie beyond this machine: a shared folder, or any S3 endpoint, by one URL.

The folder on this machine stays what everything reads: a bundle that is not there is fetched once, whole, and is then
held against its signed manifest like any other. What is written here is put there too.
"""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from riskloop.errors import BundleRefused, ConfigError, MissingExtra, NotFound, RiskloopError, Unavailable

VARIABLE = "RISKLOOP_ARTIFACTS_URL"
_LAST = "manifest.json"
"""Put there last: a folder without it is still on its way."""
_LARGEST = 3 * 1024**3
_CONNECT_SECONDS, _ANSWER_SECONDS = 3, 30
_CLIENTS = ("boto3", "botocore", "s3transfer")


@dataclass(frozen=True)
class Artifacts:
    """A store beyond this machine.

    Attributes
    ----------
    url : str
        A folder, or ``s3://bucket/prefix``. Endpoint and credentials come from the usual variables
        (``AWS_ENDPOINT_URL``, ``AWS_ACCESS_KEY_ID``, ``AWS_SECRET_ACCESS_KEY``, ``AWS_REGION``) or the machine's role.

    Raises
    ------
    ConfigError
        If it is neither.
    """

    url: str

    def __post_init__(self) -> None:
        address = urlsplit(self.url)
        if address.scheme not in ("", "file", "s3") or (address.scheme == "s3" and not address.netloc):
            raise ConfigError(
                f"{address.scheme}:// is no place for bundles.",
                where=VARIABLE,
                next_step="give a folder, or s3://bucket/prefix; AWS_ENDPOINT_URL names an endpoint of your own",
            )
        if address.username or address.password:
            raise ConfigError(
                "Credentials do not belong in an address.",
                where=VARIABLE,
                next_step="set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY",
            )

    def put(self, folder: Path, kind: str) -> None:
        """Put a folder there, under its name; the manifest of a bundle last.

        Raises
        ------
        Unavailable
            If the store does not answer.
        """
        files = sorted((path for path in folder.iterdir() if path.is_file()), key=lambda path: path.name == _LAST)
        for path in files:
            self.put_file(path, f"{kind}/{folder.name}/{path.name}")

    def put_file(self, path: Path, name: str) -> None:
        """Put one file there.

        Parameters
        ----------
        name : str
            Where, below the URL; parts are separated by ``/``.

        Raises
        ------
        Unavailable
            If the store does not answer.
        """
        with self._answering():
            self._place.put(path, name)

    def fetch(self, name: str, into: Path) -> Path:
        """A bundle from there, into a folder of this machine: whole, or not at all.

        Raises
        ------
        NotFound
            If it is not there.
        BundleRefused
            If it is larger than any bundle.
        Unavailable
            If the store does not answer.
        """
        with self._answering():
            place = self._place
            files = place.sizes(f"bundles/{name}")
            if _LAST not in files:
                raise NotFound("There is no such bundle.", where=f"{self.url}/bundles/{name}", next_step="put it back")
            if sum(files.values()) > _LARGEST or any("/" in file for file in files):
                raise BundleRefused("This is larger than any bundle.", where=f"{self.url}/bundles/{name}")
            into.mkdir(parents=True, exist_ok=True)
            with tempfile.TemporaryDirectory(dir=into, prefix=".fetch-") as draft:
                folder = Path(draft) / name
                folder.mkdir()
                for file in files:
                    place.get(f"bundles/{name}/{file}", folder / file)
                if not (into / name).exists():
                    folder.rename(into / name)
        return into / name

    def check(self) -> str:
        """What there is, in words.

        Raises
        ------
        Unavailable
            If the store does not answer.
        """
        with self._answering():
            bundles = [name for name in self._place.sizes("bundles") if name.endswith(f"/{_LAST}")]
        return f"{self.url}, {len(bundles)} bundles"

    @property
    def _place(self) -> _Folder | _S3:
        address = urlsplit(self.url)
        if address.scheme == "s3":
            return _S3(address.netloc, address.path.strip("/"))
        return _Folder(Path(address.path))

    @contextmanager
    def _answering(self) -> Iterator[None]:
        try:
            yield
        except RiskloopError:
            raise
        except Exception as error:
            if not isinstance(error, OSError) and type(error).__module__.partition(".")[0] not in _CLIENTS:
                raise
            raise Unavailable(
                f"The store of bundles does not answer: {str(error).splitlines()[0][:300]}",
                where=self.url,
                next_step=f"check {VARIABLE}, AWS_ENDPOINT_URL and the credentials; then `riskloop doctor`",
            ) from error


@dataclass(frozen=True)
class _Folder:
    root: Path

    def put(self, path: Path, name: str) -> None:
        target = self.root / name
        target.parent.mkdir(parents=True, exist_ok=True)
        draft = target.with_name(f".{target.name}.part")
        shutil.copyfile(path, draft)
        draft.replace(target)

    def get(self, name: str, path: Path) -> None:
        shutil.copyfile(self.root / name, path)

    def sizes(self, below: str) -> dict[str, int]:
        """Bytes of each file, by its place below a folder."""
        folder = self.root / below
        return {one.relative_to(folder).as_posix(): one.stat().st_size for one in folder.rglob("*") if one.is_file()}


@dataclass(frozen=True)
class _S3:
    bucket: str
    prefix: str

    def put(self, path: Path, name: str) -> None:
        self._client.upload_file(str(path), self.bucket, self._key(name))

    def get(self, name: str, path: Path) -> None:
        self._client.download_file(self.bucket, self._key(name), str(path))

    def sizes(self, below: str) -> dict[str, int]:
        """Bytes of each object, by its place below a prefix."""
        prefix = self._key(below) + "/"
        pages = self._client.get_paginator("list_objects_v2").paginate(Bucket=self.bucket, Prefix=prefix)
        return {one["Key"].removeprefix(prefix): one["Size"] for page in pages for one in page.get("Contents", ())}

    def _key(self, name: str) -> str:
        return f"{self.prefix}/{name}" if self.prefix else name

    @property
    def _client(self) -> Any:
        try:
            import boto3
            from botocore.config import Config
        except ImportError as error:
            raise MissingExtra(
                "The client of S3 is not installed.", where=VARIABLE, next_step="pip install 'riskloop[s3]'"
            ) from error
        own = os.environ.get("AWS_ENDPOINT_URL_S3") or os.environ.get("AWS_ENDPOINT_URL")
        return boto3.client(
            "s3",
            config=Config(
                connect_timeout=_CONNECT_SECONDS,
                read_timeout=_ANSWER_SECONDS,
                retries={"max_attempts": 2, "mode": "standard"},
                s3={"addressing_style": "path" if own else "auto"},
            ),
        )


@dataclass(frozen=True)
class Bundles:
    """The bundles of a project: a folder of this machine, and the store behind it where there is one."""

    folder: Path
    behind: Artifacts | None = None

    def path(self, name: str) -> Path:
        """The folder of a bundle, fetched first if it is not here.

        Raises
        ------
        BundleRefused
            If the name leads elsewhere.
        NotFound, Unavailable
            If it is not here and cannot be fetched.
        """
        path = self.folder / name
        if not path.resolve().is_relative_to(self.folder.resolve()) or path == self.folder:
            raise BundleRefused("The bundle lies outside the project's bundles.", where=name)
        if self.behind is not None and not path.exists():
            return self.behind.fetch(name, self.folder)
        return path

    def put(self, path: Path) -> None:
        """Let others have a bundle that was made here.

        Raises
        ------
        Unavailable
            If the store does not answer.
        """
        if self.behind is not None:
            self.behind.put(path, "bundles")
