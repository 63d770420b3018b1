"""Reference rows: the untouched test block of a version, found again in the training table; a bundle holds none."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import polars as pl

from riskloop.bundle.bundle import Bundle
from riskloop.costs import BoolArray, FloatArray
from riskloop.data.contract import Columns
from riskloop.errors import RiskloopError
from riskloop.keep.versions import Version
from riskloop.learn.density import MOST_ROWS
from riskloop.learn.plan import split_of
from riskloop.loop.project import Project
from riskloop.loop.table import read_table
from riskloop.loop.workflows.check import prepare_table
from riskloop.loop.workflows.train import plan_for
from riskloop.settings import parse_settings


@dataclass(frozen=True, eq=False)
class Reference:
    """Rows with outcomes that a version has not learnt from, at most 20,000.

    Attributes
    ----------
    columns : Columns
        Decoded features, arrays of shape (n,).
    probability : float array, shape (n,)
        What the version says of them.
    outcome : bool array, shape (n,)
    """

    columns: Columns
    probability: FloatArray
    outcome: BoolArray


@dataclass(frozen=True, eq=False)
class Block:
    """The untouched test block of a version, all of it.

    Attributes
    ----------
    rows : polars.DataFrame
        As they were read, ids included.
    columns : Columns
        Decoded: features and what prices decisions, arrays of shape (n,).
    outcome : bool array, shape (n,)
    """

    rows: pl.DataFrame
    columns: Columns
    outcome: BoolArray


def untouched_block(project: Project, record: Version) -> Block | str:
    """The test block of a version, or a word for why it cannot be had.

    Returns
    -------
    Block or str
        ``no_record`` if the version does not remember how it was made, ``no_table`` if the training table cannot be
        read, ``other_table`` if it is not the one that the version was trained on.
    """
    made = record.summary.get("plan")
    if not made:
        return "no_record"
    try:
        then = replace(project, settings=parse_settings(made["settings"], where=f"version {record.version}"))
        table = read_table(then)
        prepared = prepare_table(then, table.frame, table.findings)
    except RiskloopError:
        return "no_table"
    dataset = prepared.dataset
    if dataset is None or dataset.fingerprint != record.data_fingerprint:
        return "other_table"
    plan = plan_for(then, len(dataset))
    parts = split_of(dataset, plan)
    return Block(prepared.rows[parts.test], dataset.take(parts.test), dataset.outcome[parts.test])


def reference_rows(project: Project, record: Version, bundle: Bundle) -> Reference | str:
    """At most 20,000 rows of a version's test block, scored, or a word as in `untouched_block`."""
    block = untouched_block(project, record)
    if isinstance(block, str):
        return block
    columns, outcome = block.columns, block.outcome
    if len(outcome) > MOST_ROWS:
        taken = np.sort(np.random.default_rng(0).permutation(len(outcome))[:MOST_ROWS])
        columns, outcome = {name: values[taken] for name, values in columns.items()}, outcome[taken]
    features = {name: columns[name] for name in bundle.contract.features if name in columns}
    return Reference(features, bundle.scorer.probability(columns), outcome)
