"""The model report: model card and validation report of one version in one document."""

from __future__ import annotations

from typing import Any

from riskloop.report.documents.parts import closer, data, governance, limits, method, reasons, results, use
from riskloop.report.documents.pen import Pen
from riskloop.report.documents.subject import Subject
from riskloop.report.documents.tree import Document, completeness
from riskloop.report.words import Language

SCHEMA = "riskloop/model-report/1"
_PARTS = (
    use.glance,
    use.purpose,
    data.data,
    method.method,
    results.performance,
    results.money,
    closer.calibration,
    closer.segments,
    closer.fairness,
    closer.importance,
    reasons.reasons,
    limits.limits,
    governance.monitoring,
    governance.gate,
    governance.history,
    governance.reproduce,
)


def model_report(subject: Subject, language: Language = "en") -> Document:
    """Everything that is known about a version, and what its owner must add."""
    pen = Pen(language, subject.currency)
    sections = tuple(part(subject, pen) for part in _PARTS)
    return Document(
        schema=SCHEMA,
        title=pen.say("model_report_title", name=subject.bundle.name, version=subject.version.version),
        subtitle=pen.say("made_on", when=pen.moment(subject.generated).text),
        language=language,
        generated=subject.generated,
        version=subject.version.version,
        digest=subject.bundle.digest,
        sections=sections,
        completeness=completeness(sections),
        notice=pen.say("not_advice"),
        front=_front(subject, pen),
    )


def _front(subject: Subject, pen: Pen) -> dict[str, Any]:
    """The head of a model card: names, tags, and the metrics of the test block."""
    test, card = subject.card["test"], subject.card
    measured = [
        {"type": name, "name": pen.words(f"metric_{name}", name).text}
        | {part: test["metrics"][name][part] for part in ("value", "low", "high")}
        for name in results.in_order(test["metrics"])
        if test["metrics"][name]["value"] is not None
    ]
    dataset = {"name": subject.bundle.name, "type": "tabular", "split": "test", "revision": card["data_fingerprint"]}
    return {
        "license": pen.open("owner", "license").text,
        "language": pen.language,
        "library_name": "riskloop",
        "pipeline_tag": "tabular-classification",
        "tags": ["riskloop", "tabular-classification", "binary-risk", card["family"], card["calibration"]["kind"]],
        "model_name": subject.bundle.name,
        "version": subject.version.version,
        "digest": f"sha256:{subject.bundle.digest}",
        "created": subject.version.created_at.isoformat(),
        "model-index": [
            {
                "name": subject.bundle.name,
                "results": [{"task": {"type": "tabular-classification"}, "dataset": dataset, "metrics": measured}],
            }
        ],
    }
