"""What a version says of itself: the card inside its bundle, and the summary that lists and pages show."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from riskloop.data.dataset import Dataset
from riskloop.decide.reasons import Rules
from riskloop.decide.tally import Tally
from riskloop.findings import Finding
from riskloop.learn.choice import Contender
from riskloop.learn.evaluation.fairness import Fairness
from riskloop.learn.evaluation.intervals import finite
from riskloop.learn.evaluation.policies import PolicyRow
from riskloop.learn.examining import Examination
from riskloop.learn.plan import Plan
from riskloop.learn.training import Trained
from riskloop.settings import Settings


def card(
    settings: Settings,
    dataset: Dataset,
    plan: Plan,
    trained: Trained,
    rules: Rules,
    findings: Iterable[Finding],
    fairness: Fairness | None = None,
    tallies: Mapping[str, Tally] | None = None,
) -> dict[str, Any]:
    """Facts that belong to the model; no times and no names of people, so that the same training is the same bytes."""
    chosen = trained.choice.chosen
    return {
        "family": chosen.name,
        "why": trained.choice.why,
        "balancing": list(trained.choice.balancing),
        "calibration": chosen.calibration.to_dict(),
        "costs": plan.costs.to_dict(),
        "policies": [row.to_dict() for row in trained.policies],
        "decided": trained.decided.to_dict(),
        "curves": trained.curves.brief(),
        "tallies": {name: tally.to_dict() for name, tally in (tallies or {}).items()},
        "verdict": trained.verdict,
        "fairness": fairness.to_dict() if fairness else None,
        "test": trained.test.to_dict(),
        "out_of_fold": chosen.evaluation.to_dict(),
        "importance": {name: one.value for name, one in trained.importance.items()},
        "importance_intervals": {name: one.to_dict() for name, one in trained.importance.items()},
        "attributions": {
            "baseline_rows": len(trained.baseline),
            "base": trained.attributions.base,
            "mean_share": trained.attributions.mean_share,
            "additivity": trained.attributions.additivity,
        },
        "reasons": _reasons(rules),
        "examination": trained.examination.to_dict(),
        "rows": _rows(trained),
        "split": trained.split.kind,
        "seed": plan.seed,
        "data_fingerprint": dataset.fingerprint,
        "positive": {"target": dataset.problem.target, "value": dataset.problem.positive},
        "id": dataset.problem.id,
        "not_used": dict(settings.features.drop),
        "overrides": dict(settings.features.allow),
        "findings": [
            finding.to_dict() for finding in (*findings, *trained.examination.findings) if finding.severity != "info"
        ],
    }


def _rows(trained: Trained) -> dict[str, int]:
    held_out = {"test": len(trained.split.test)}
    if trained.learnt:
        return {"training": trained.learnt, "judging": len(trained.split.train), **held_out}
    return {"training": len(trained.split.train), **held_out}


def _reasons(rules: Rules) -> dict[str, Any]:
    """What can be a reason; the words are in the bundle's reasons.json."""
    told = rules.to_dict()
    return {**told, "texts": {"version": rules.texts.version}}


def summary(
    dataset: Dataset, trained: Trained, policies: Sequence[PolicyRow], fairness: Fairness | None = None
) -> dict[str, Any]:
    """Plain JSON values for the table of versions: the choice, in money, and every contender."""
    return {
        "family": trained.choice.chosen.name,
        "why": trained.choice.why,
        "verdict": trained.verdict,
        "threshold": trained.policy.threshold,
        "policy": trained.policy.to_dict(),
        "policies": [row.to_dict() for row in policies],
        "rows": len(dataset) + trained.learnt,
        "contenders": [_contender(contender) for contender in trained.contenders],
        "difference": {name: one.to_dict() for name, one in trained.choice.difference.items()},
        "sweep": trained.decided.sweep.words(),
        "fairness": fairness.words(trained.policy.costs.currency) if fairness else [],
        "examination": _examination(trained.examination, trained.policy.costs.currency),
    }


def _examination(examination: Examination, currency: str) -> dict[str, Any]:
    """What was found, in words, and the few numbers that lists show."""
    curve, stability = examination.learning_curve, examination.stability
    return {
        "words": examination.words(currency),
        "in_the_large": examination.reliability.in_the_large.to_dict(),
        "stability_score": finite(stability.score) if stability else None,
        "weak_segments": len(examination.segments),
        "learning_curve": curve.to_dict() if curve else None,
    }


def _contender(contender: Contender) -> dict[str, Any]:
    return {
        "name": contender.name,
        "calibration": contender.calibration.calibration.kind,
        "training_seconds": round(contender.out_of_fold.fit_seconds, 4),
        "prediction_ms_per_1000": round(contender.out_of_fold.predict_seconds * 1000, 4),
        "metrics": contender.evaluation.to_dict()["metrics"],
    }
