"""A project whose champion is a LightGBM of 400 trees x 31 leaves, and customers to ask about."""

from __future__ import annotations

import json
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.datasets import FN_TEN_FP, ROOT, TABLES
from riskloop.bundle.bundle import Golden, raw_rows
from riskloop.bundle.load import load
from riskloop.bundle.pack import pack
from riskloop.data.source import Source
from riskloop.learn.candidates.lightgbm import LIGHTGBM
from riskloop.learn.crossfit import fit
from riskloop.learn.plan import Plan, training_block
from riskloop.loop.project import Project
from riskloop.loop.workflows.initialise import initialise
from riskloop.loop.workflows.release import promote
from riskloop.loop.workflows.train import prepare_for_training, train
from riskloop.wiring import open_project

TABLE = "uci_credit_card"
ROUNDS, LEAVES = 400, 31
CUSTOMERS = 4_000


@dataclass(frozen=True)
class Champion:
    """What is served.

    Attributes
    ----------
    project : Project
        Its champion holds the model.
    booster : object
        The same model as LightGBM has it, over the features in their order.
    features : list of str
    customers : list of dict
        As JSON values.
    model : str
        In words.
    """

    project: Project
    booster: Any
    features: list[str]
    customers: list[dict[str, Any]]
    model: str


def make(folder: Path) -> Champion:
    """Train, and put the model of the size that is measured in place of the one that was chosen: contract,
    calibration, interval, policy and baseline stay."""
    table = TABLES[TABLE]
    initialise(folder, Source(str(ROOT / table.file)), table.target, costs=FN_TEN_FP)
    project = open_project(folder)
    done = train(project, candidates=["lightgbm"])
    _, dataset = prepare_for_training(project)
    rows = np.arange(len(dataset))
    block = training_block(dataset, rows[CUSTOMERS:], Plan([], FN_TEN_FP))
    every = np.ones(len(block.outcome), dtype=bool)
    fitted = fit(LIGHTGBM.tuned({"rounds": ROUNDS, "leaves": LEAVES}), block, every, seed=42)
    assert not fitted.encoding.categorical, "the peers' rows are numbers"
    before = load(done.bundle, project.keys.trusted())
    scorer = replace(before.scorer, encoding=fitted.encoding, model=fitted.model)
    customers = raw_rows(dataset.contract, dataset.take(rows[:CUSTOMERS]), range(CUSTOMERS))
    bundle = replace(before, scorer=scorer)
    probability, _ = bundle.score(customers[:20])
    bundle = replace(bundle, golden=Golden(tuple(customers[:20]), tuple(probability.tolist())))
    packed, path = pack(bundle, project.locations.bundles, project.keys)
    run, trusted = str(done.version.run_id), sorted(project.keys.trusted())
    number = project.registry.register(run, path, bundle.contract, trusted)
    version = replace(done.version, version=number, digest=packed.digest, bundle=path.name)
    project.versions.add(version)
    promote(project, version.version, reason="benchmark", override=True)
    features = list(fitted.encoding.names)
    words = f"lightgbm, {ROUNDS} trees x {LEAVES} leaves, {len(features)} columns of {TABLE}"
    return Champion(project, fitted.estimator, features, customers, words)


def bodies(customers: list[dict[str, Any]], **more: Any) -> list[bytes]:
    """A request to riskloop for each customer."""
    return [
        json.dumps({"id": str(number), "features": features, **more}, separators=(",", ":")).encode()
        for number, features in enumerate(customers)
    ]
