from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import boto3
import pytest
from moto.server import ThreadedMotoServer

from riskloop.errors import BundleRefused, ConfigError, NotFound, Unavailable
from riskloop.keep.artifacts import Artifacts, Bundles

FILES = {"model.npz": b"\x00" * 3_000_000, "card.json": b"{}", "manifest.json": b'{"format": 1}'}


@pytest.fixture(scope="module")
def s3() -> Iterator[str]:
    """A real HTTP endpoint that speaks S3."""
    server = ThreadedMotoServer("127.0.0.1", 0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    yield f"http://{host}:{port}"
    server.stop()


@pytest.fixture(params=["folder", "s3"])
def url(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """Whether a shared folder or an S3 endpoint, the promises are the same."""
    if request.param == "folder":
        return str(tmp_path / "shared")
    for name, value in {
        "AWS_ENDPOINT_URL": request.getfixturevalue("s3"),
        "AWS_ACCESS_KEY_ID": "risk",
        "AWS_SECRET_ACCESS_KEY": "loop",
        "AWS_REGION": "eu-west-3",
        "AWS_DEFAULT_REGION": "eu-west-3",
    }.items():
        monkeypatch.setenv(name, value)
    bucket = tmp_path.name.replace("_", "-").lower()[-40:].strip("-")
    boto3.client("s3").create_bucket(Bucket=bucket, CreateBucketConfiguration={"LocationConstraint": "eu-west-3"})
    return f"s3://{bucket}/churn"


@pytest.fixture
def bundle(tmp_path: Path) -> Path:
    folder = tmp_path / "bundles" / "0123456789abcdef"
    folder.mkdir(parents=True)
    for name, data in FILES.items():
        (folder / name).write_bytes(data)
    return folder


def test_what_one_machine_put_another_has(url: str, bundle: Path, tmp_path: Path) -> None:
    Bundles(bundle.parent, Artifacts(url)).put(bundle)
    other = Bundles(tmp_path / "other", Artifacts(url))
    assert {path.name: path.read_bytes() for path in other.path(bundle.name).iterdir()} == FILES
    assert Artifacts(url).check() == f"{url}, 1 bundles"
    assert [path.name for path in (tmp_path / "other").iterdir()] == [bundle.name]


def test_what_is_here_is_not_fetched(bundle: Path) -> None:
    assert Bundles(bundle.parent, Artifacts("s3://nowhere/none")).path(bundle.name) == bundle


def test_a_bundle_that_was_lost_here_comes_back(url: str, bundle: Path) -> None:
    bundles = Bundles(bundle.parent, Artifacts(url))
    bundles.put(bundle)
    shutil.rmtree(bundle)
    assert (bundles.path(bundle.name) / "model.npz").read_bytes() == FILES["model.npz"]


def test_a_bundle_that_is_still_on_its_way_is_not_there_yet(url: str, bundle: Path, tmp_path: Path) -> None:
    Artifacts(url).put_file(bundle / "card.json", f"bundles/{bundle.name}/card.json")
    with pytest.raises(NotFound, match=bundle.name):
        Bundles(tmp_path / "other", Artifacts(url)).path(bundle.name)
    assert not (tmp_path / "other").exists()


def test_a_name_that_leads_elsewhere_is_refused(tmp_path: Path) -> None:
    for name in ("../keys", "/etc", "."):
        with pytest.raises(BundleRefused, match="outside"):
            Bundles(tmp_path / "bundles", Artifacts(str(tmp_path))).path(name)


def test_a_store_that_is_away_is_unavailable_and_says_what_to_check(
    bundle: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "none")
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:9")
    with pytest.raises(Unavailable, match="AWS_ENDPOINT_URL"):
        Bundles(tmp_path / "other", Artifacts("s3://bucket/churn")).path("0123456789abcdef")


@pytest.mark.parametrize("url", ["ftp://host/bundles", "s3:///churn", "s3://key:secret@bucket/churn"])
def test_what_is_no_place_for_bundles_is_refused_at_once(url: str) -> None:
    with pytest.raises(ConfigError, match="RISKLOOP_ARTIFACTS_URL"):
        Artifacts(url)
