"""`riskloop reproduce`: make a version again, and say whether it is the same, or what differs."""

from __future__ import annotations

from dataclasses import asdict, dataclass, replace
from typing import Any

from riskloop.bundle.load import read_verified
from riskloop.bundle.pack import contents
from riskloop.errors import NotFound
from riskloop.learn.plan import Watcher
from riskloop.learn.training import train as learn
from riskloop.loop.auditing import audit
from riskloop.loop.project import Project
from riskloop.loop.record import libraries, recorded_plan
from riskloop.loop.workflows.train import draft_bundle, plan_for, prepare_for_training
from riskloop.settings import parse_settings


@dataclass(frozen=True)
class Reproduction:
    """A version made again.

    Attributes
    ----------
    version : int
    digest : str
        Of the version's bundle.
    equal : bool
        Whether every file of the new bundle is the old one, byte for byte.
    differences : tuple of str
        What is not the same: in the data, the libraries, the files.
    """

    version: int
    digest: str
    equal: bool
    differences: tuple[str, ...] = ()

    def to_dict(self) -> dict[str, Any]:
        """Plain JSON values."""
        return asdict(self)


def reproduce(project: Project, version: int, watcher: Watcher | None = None) -> Reproduction:
    """Train again from the same table under the version's own settings and compare the bundles.

    What a search found is taken from the version's record: a search under a time budget has no second time like it.

    Parameters
    ----------
    version : int
    watcher : Watcher, optional
        Told about progress.

    Raises
    ------
    NotFound
        If there is no such version, or it has no record of its making.
    BundleRefused
        If its bundle was altered.
    """
    found = project.versions.get(version)
    made = found.summary.get("plan")
    if not made:
        raise NotFound(f"Version {version} has no record of how it was made.", where="versions", next_step="train anew")
    if made.get("partitions"):
        raise NotFound(
            f"Version {version} was learnt from partitions, where sums depend on who was there to add them up.",
            where="versions",
            next_step="train anew; the metrics will be within the tolerance that docs/scale.md states",
        )
    manifest = read_verified(project.bundles.path(found.bundle), project.keys.trusted())
    then = replace(project, settings=parse_settings(made["settings"], where=f"version {version}"))
    differences = [
        f"{name} was {made['libraries'].get(name, 'absent')} and is {now}"
        for name, now in libraries().items()
        if made["libraries"].get(name) != now
    ]
    prepared, dataset = prepare_for_training(then)
    if dataset.fingerprint != found.data_fingerprint:
        differences.append(
            f"the data are others: fingerprint {found.data_fingerprint[:12]} then, {dataset.fingerprint[:12]} now"
        )
    plan = recorded_plan(plan_for(then, len(dataset)), made)
    trained = learn(dataset, plan, watcher=watcher)
    fairness = audit(prepared.rows, dataset, plan, trained, then.settings.fairness)
    files = contents(draft_bundle(then, prepared, dataset, plan, trained, fairness))
    before = {name: data for name, data in manifest.items() if name not in ("manifest.json", "signature.json")}
    changed = sorted(name for name in files.keys() | before.keys() if files.get(name) != before.get(name))
    differences += [f"{name} is not the same" for name in changed]
    return Reproduction(version, found.digest, not changed, tuple(differences))
