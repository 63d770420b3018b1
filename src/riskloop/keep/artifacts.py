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
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from riskloop.errors import BundleRefused, ConfigError, NotFound, Unavailable

if TYPE_CHECKING:
    from pyarrow.fs import FileSystem

VARIABLE = "RISKLOOP_ARTIFACTS_URL"
_LAST = "manifest.json"
"""Put there last: a folder without it is still on its way."""
_LARGEST = 3 * 1024**3
_CONNECT_SECONDS, _ANSWER_SECONDS = 3, 30


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
        with self._opened() as (system, root):
            target = f"{root}/{name}"
            if not self._is_s3:
                system.create_dir(str(PurePosixPath(target).parent), recursive=True)
            draft = target if self._is_s3 else f"{target}.part"  # an object appears whole
            with path.open("rb") as source, system.open_output_stream(draft) as out:
                shutil.copyfileobj(source, out, 1 << 20)
            if draft != target:
                system.move(draft, target)

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
        from pyarrow.fs import FileSelector, FileType

        with self._opened() as (system, root):
            found = system.get_file_info(FileSelector(f"{root}/bundles/{name}", allow_not_found=True))
            files = {one.base_name: one for one in found if one.type == FileType.File}
            if _LAST not in files:
                raise NotFound("There is no such bundle.", where=f"{self.url}/bundles/{name}", next_step="put it back")
            if sum(one.size for one in files.values()) > _LARGEST:
                raise BundleRefused("The bundle is larger than any.", where=f"{self.url}/bundles/{name}")
            into.mkdir(parents=True, exist_ok=True)
            with tempfile.TemporaryDirectory(dir=into, prefix=".fetch-") as draft:
                folder = Path(draft) / name
                folder.mkdir()
                for base, one in files.items():
                    with system.open_input_stream(one.path) as source, (folder / base).open("wb") as out:
                        shutil.copyfileobj(source, out, 1 << 20)
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
        from pyarrow.fs import FileSelector

        with self._opened() as (system, root):
            found = system.get_file_info(FileSelector(f"{root}/bundles", allow_not_found=True))
        return f"{self.url}, {len(found)} bundles"

    @property
    def _is_s3(self) -> bool:
        return urlsplit(self.url).scheme == "s3"

    @contextmanager
    def _opened(self) -> Iterator[tuple[FileSystem, str]]:
        try:
            yield self._system()
        except OSError as error:
            raise Unavailable(
                f"The store of bundles does not answer: {str(error).splitlines()[0][:300]}",
                where=self.url,
                next_step=f"check {VARIABLE}, AWS_ENDPOINT_URL and the credentials; then `riskloop doctor`",
            ) from error

    def _system(self) -> tuple[FileSystem, str]:
        from pyarrow import fs

        address = urlsplit(self.url)
        if not self._is_s3:
            return fs.LocalFileSystem(), str(Path(address.path).resolve())
        options: dict[str, Any] = {"connect_timeout": _CONNECT_SECONDS, "request_timeout": _ANSWER_SECONDS}
        endpoint = os.environ.get("AWS_ENDPOINT_URL_S3") or os.environ.get("AWS_ENDPOINT_URL")
        if endpoint:
            options["scheme"], _, options["endpoint_override"] = endpoint.rstrip("/").partition("://")
        if region := os.environ.get("AWS_REGION") or os.environ.get("AWS_DEFAULT_REGION"):
            options["region"] = region
        system = fs.S3FileSystem(retry_strategy=fs.AwsStandardS3RetryStrategy(max_attempts=2), **options)
        return system, f"{address.netloc}{address.path}".rstrip("/")


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
