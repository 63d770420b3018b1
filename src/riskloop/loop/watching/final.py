"""The ledger as it is judged: outcomes count once they are final, and silence as the settings say."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import datetime

from riskloop.bundle.bundle import Bundle
from riskloop.keep.ledger import Prediction
from riskloop.keep.outcomes import Outcome
from riskloop.loop.project import Project


def final_outcomes(
    project: Project, version: int, bundle: Bundle, since: datetime | None = None
) -> Iterator[tuple[Prediction, Outcome | None]]:
    """Predictions of a version in the order of their time, each with its outcome if that is known and final.

    Before `problem.maturity` is over those known are mostly positives: they would make any model look worse than it is.
    """
    maturity, now = project.settings.problem.matures(), project.clock()
    for page in project.cohorts.pages(maturity, now, since=since, version=version):
        for one in page:
            made = Prediction(
                prediction_id=one.prediction_id,
                at=one.at,
                name=project.name,
                version=version,
                digest=bundle.digest,
                probability=one.probability,
                decision=one.decision,
                features=json.loads(one.features),
                arm=one.arm,
                risk_band=one.risk_band,
            )
            said = None
            if one.outcome is not None and maturity.reached(one.at, now):
                said = Outcome("", one.outcome, one.at, now, prediction_id=one.prediction_id)
            yield made, said
