"""A town whose people ask a service, for tests of experiments."""

from __future__ import annotations

from datetime import datetime, timedelta

import numpy as np
import polars as pl

from riskloop.decide.arms import Split
from riskloop.keep.ledger import Prediction
from riskloop.keep.outcomes import Outcome
from riskloop.loop.experiments.pairs import ACT, Pair
from riskloop.loop.project import Project


class Town:
    """Customers of the training table who ask a service that splits them as it should."""

    def __init__(self, project: Project) -> None:
        frame = pl.read_csv(project.source.path, infer_schema=False)
        self.churned = (frame["churned"] == "yes").to_numpy()
        self.pair = Pair(project.bundle(1)[1], project.bundle(2)[1])
        names = self.pair.champion.contract.read_names
        self.rows = frame.select(names).to_dicts()
        self.ledger, self.calls = project.ledger, 0
        paired = self.pair.read(self.rows)
        assert paired.kept.all()
        self.probability, self.code = paired.probability, paired.code

    def ask(
        self,
        day: datetime,
        split: Split | None,
        customers: int,
        *,
        same: bool = False,
        arm: str | None = None,
        **more: object,
    ) -> list[str]:
        """Customers, new ones, at a day; ``same``: the challenger decides as the champion does."""
        made, who = [], []
        for place in range(customers):
            row = (self.calls + place) % len(self.rows)
            name = f"N-{self.calls + place}"
            drawn = arm or ("champion" if split is None else split.arm_of(name))
            version = 0 if same or drawn == "champion" else 1
            policy = (self.pair.champion, self.pair.challenger)[version].policy
            decision = policy.labels[0] if self.code[version][row] == ACT else policy.labels[1]
            fields = {
                "prediction_id": f"p-{name}-{day:%d%H}",
                "at": day + timedelta(seconds=place),
                "name": "churn",
                "version": 1 + (drawn == "challenger"),
                "digest": "d",
                "probability": float(self.probability[version][row]),
                "decision": decision,
                "features": self.rows[row],
                "arm": drawn,
                "entity_id": name,
                "latency_ms": 2.0,
            }
            made.append(Prediction(**fields | more))  # type: ignore[arg-type]
            who.append(name)
        self.ledger.append(made)
        self.calls += customers
        return who

    def tell(self, who: list[str], moment: datetime, flip: np.ndarray | None = None) -> None:
        """What became of them."""
        told = []
        for name in who:
            row = int(name[2:]) % len(self.rows)
            told.append(Outcome(name, bool(self.churned[row] if flip is None else flip[row]), moment, moment))
        self.ledger.record_outcomes(told)
