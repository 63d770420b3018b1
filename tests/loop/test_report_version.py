from __future__ import annotations

import hashlib

import pytest

from riskloop.errors import BundleRefused, NotFound
from riskloop.keep.chain import ReleaseState
from riskloop.loop.project import Project
from riskloop.loop.workflows.history import History, history
from riskloop.loop.workflows.report_version import _chosen, gather


def test_the_champion_is_the_subject_unless_another_version_is_named(trained: Project) -> None:
    assert gather(trained).version.version == 1
    assert gather(trained).alias == "champion"
    assert gather(trained, 2).version.version == 2
    assert gather(trained, 2).alias is None


def test_where_none_leads_it_is_the_newest(trained: Project) -> None:
    past = history(trained)
    assert _chosen(History(ReleaseState(), past.versions, ()), None) == 3


def test_where_there_is_none_one_is_to_be_trained(new_project: Project) -> None:
    with pytest.raises(NotFound, match="riskloop train"):
        gather(new_project)


def test_a_subject_carries_the_hashes_of_what_was_verified(trained: Project) -> None:
    subject = gather(trained)
    folder = trained.locations.bundles / subject.version.bundle
    assert subject.files["manifest.json"] == subject.bundle.digest == subject.version.digest
    assert subject.files["card.json"] == hashlib.sha256((folder / "card.json").read_bytes()).hexdigest()
    assert [path.stem for path in trained.locations.keys.glob("*.pub")] == [subject.key]
    assert subject.verified.ok
    assert subject.head == trained.promotions.head()
    assert subject.of_log.to_dict() == {"log": f"sha256:{trained.promotions.head().hash}"}


def test_settings_are_those_it_was_trained_under(trained: Project) -> None:
    assert trained.settings.gate.min_roc_auc != 0.99
    assert gather(trained, 3).settings["gate"]["min_roc_auc"] == 0.99


def test_nothing_is_written_about_an_altered_bundle(trained: Project) -> None:
    path = trained.locations.bundles / trained.versions.get(1).bundle / "card.json"
    path.write_bytes(path.read_bytes().replace(b"logistic", b"mystical"))
    with pytest.raises(BundleRefused, match="altered"):
        gather(trained)
