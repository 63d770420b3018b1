"""What exploration costs, by the champion's own probabilities."""

from __future__ import annotations

import numpy as np
import polars as pl

from riskloop.data.frames import decode_frame
from riskloop.decide.prices import priceless
from riskloop.errors import BundleRefused, NotFound
from riskloop.loop.project import Project
from riskloop.loop.retraining.censoring import ExplorationCost, exploration_cost


def cost_of_exploration(project: Project, frame: pl.DataFrame) -> ExplorationCost | None:
    """Expected cost of `serving.exploration` among these customers.

    None without exploration, without a champion, or where the champion cannot read this table.
    """
    share = project.settings.serving.exploration
    if not share:
        return None
    try:
        _, bundle = project.bundle()
    except (NotFound, BundleRefused):
        return None
    if any(name not in frame.columns for name in bundle.contract.read_names):
        return None
    decoded = decode_frame(bundle.contract, frame)
    costs = bundle.policy.costs.of(decoded.columns)
    read = ~decoded.broken() & ~np.broadcast_to(priceless(costs), frame.height)
    if not read.any():
        return None
    columns = {name: values[read] for name, values in decoded.columns.items()}
    decided = bundle.policy.decide_many(bundle.scorer.probability(columns), costs.take(read))
    return exploration_cost(share, decided.act, decided.gain, costs.currency)
