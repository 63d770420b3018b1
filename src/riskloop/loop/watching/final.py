"""The ledger as it is judged: outcomes count once they are final, and silence as the settings say."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import datetime

from riskloop.keep.ledger import Prediction
from riskloop.keep.outcomes import Outcome
from riskloop.loop.project import Project


def final_outcomes(
    project: Project, *, version: int | None = None, since: datetime | None = None, until: datetime | None = None
) -> Iterator[tuple[Prediction, Outcome | None]]:
    """Predictions in the order of their time, each with its outcome if that is known and final; shadows are left out.

    Before `problem.maturity` is over those known are mostly positives: they would make any model look worse than it is.
    The digest of the bundle is left empty: the version names it.
    """
    maturity, now = project.settings.problem.matures(), project.clock()
    for page in project.cohorts.pages(maturity, now, since=since, until=until, version=version):
        for one in page:
            made = Prediction(
                prediction_id=one.prediction_id,
                at=one.at,
                name=project.name,
                version=one.version,
                digest="",
                probability=one.probability,
                decision=one.decision,
                features=json.loads(one.features),
                arm=one.arm,
                entity_id=one.entity_id,
                threshold=one.threshold,
                risk_band=one.risk_band,
            )
            said = None
            if one.outcome is not None and maturity.reached(one.at, now):
                said = Outcome("", one.outcome, one.at, now, prediction_id=one.prediction_id)
            yield made, said
