"""The outline of the technical documentation: each point answered by facts, or open for somebody."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace

from riskloop.report.documents.laws import Laws
from riskloop.report.documents.parts import data, governance, limits, method, results
from riskloop.report.documents.parts.closer import fairness_said
from riskloop.report.documents.parts.use import status
from riskloop.report.documents.pen import Pen
from riskloop.report.documents.sbom import Component
from riskloop.report.documents.subject import Subject
from riskloop.report.documents.tree import Block, Fact, Facts, Said, Section, Value

Answer = Callable[[Subject, Pen], tuple[Block, ...]]


def documentation(subject: Subject, pen: Pen, laws: Laws, parts: tuple[Component, ...]) -> tuple[Section, ...]:
    """A section for each group of points, and one below it for each point where there are several."""
    answers: Mapping[str, Answer] = {**_ANSWERS, "software": lambda subject, pen: _software(subject, pen, parts)}
    found = []
    for group in laws.groups:
        place = f"{laws['systems'].cite}, {laws.place}, {group.number}"
        points = [
            Section(f"point-{point.key}", point.title, answers[point.key](subject, pen), number=point.number)
            for point in group.points
        ]
        if len(points) == 1:
            found.append(replace(points[0], title=group.title, note=f"{place} – {points[0].title}"))
        else:
            key = f"documentation-{group.number}"
            found.append(Section(key, group.title, sections=tuple(points), number=group.number, note=place))
    return tuple(found)


def _facts(subject: Subject, *facts: Fact) -> tuple[Block, ...]:
    return (Facts(facts, subject.of_record),)


def _purpose(subject: Subject, pen: Pen) -> tuple[Block, ...]:
    before = [event.previous_version for event in subject.events if event.version == subject.version.version]
    former = before[0] if before else None
    positive = subject.card["positive"]
    return _facts(
        subject,
        pen.fact("name", pen.text(subject.bundle.name)),
        pen.fact("version", pen.count(subject.version.version)),
        pen.fact("status", status(subject, pen)),
        pen.fact("version_before", pen.count(former) if former is not None else pen.words("no_version_before")),
        pen.fact("foresees", pen.text(f"{positive['target']} = {positive['value']}")),
        pen.fact("decision_act", pen.text(subject.bundle.policy.labels[0])),
        pen.fact("intended_use", pen.open("owner", "intended_use")),
        pen.fact("provider", pen.open("owner", "provider")),
    )


def _surroundings(subject: Subject, pen: Pen) -> tuple[Block, ...]:
    return _facts(
        subject,
        pen.fact("doors", pen.words("doors_said")),
        pen.fact("outbound", pen.words("outbound_said")),
        pen.fact("other_systems", pen.open("owner", "other_systems")),
    )


def _software(subject: Subject, pen: Pen, parts: tuple[Component, ...]) -> tuple[Block, ...]:
    made = subject.summary.get("plan", {}).get("libraries", {})
    return _facts(
        subject,
        pen.fact("software", pen.code(", ".join(f"{name} {version}" for name, version in made.items()), 400)),
        pen.fact("components", pen.count(len(parts))),
        pen.fact("updates", pen.open("security", "updates")),
    )


def _forms(subject: Subject, pen: Pen) -> tuple[Block, ...]:
    return _facts(
        subject, pen.fact("provided_as", pen.words("provided_as_said")), *governance.signature_facts(subject, pen)
    )


def _hardware(subject: Subject, pen: Pen) -> tuple[Block, ...]:
    latency = next((check.get("value") for check in subject.version.gate if check["name"] == "latency_ms"), None)
    return _facts(
        subject,
        pen.fact("processor", pen.words("processor_said")),
        pen.fact("latency", pen.number(latency)),
        pen.fact("hardware", pen.open("security", "hardware")),
    )


def _product(subject: Subject, pen: Pen) -> tuple[Block, ...]:
    return _facts(subject, pen.fact("product", pen.open("owner", "product")))


def _interface(subject: Subject, pen: Pen) -> tuple[Block, ...]:
    return _facts(
        subject,
        pen.fact("interface", pen.words("interface_said")),
        pen.fact("screens", pen.open("owner", "screens")),
    )


def _instructions(subject: Subject, pen: Pen) -> tuple[Block, ...]:
    return _facts(
        subject,
        pen.fact("model_report", pen.code(f"riskloop report model --version {subject.version.version}")),
        pen.fact("instructions", pen.open("owner", "instructions")),
    )


def _steps(subject: Subject, pen: Pen) -> tuple[Block, ...]:
    keys = ("family", "why_family", "calibration", "why_calibration", "folds", "trials", "budget", "seed")
    made = {fact.key: fact for fact in method.making(subject, pen)}
    contenders = pen.count(len(subject.summary.get("contenders", [])))
    return _facts(
        subject,
        *(made[key] for key in keys),
        pen.fact("contenders", contenders),
        pen.fact("pretrained", pen.words("pretrained_said")),
    )


def _design(subject: Subject, pen: Pen) -> tuple[Block, ...]:
    made = {fact.key: fact for fact in method.making(subject, pen)}
    facts = (
        pen.fact("logic", pen.words("logic_said")),
        pen.fact("optimised", pen.words("optimised_said", currency=pen.currency)),
        made["policy"],
        made["threshold"],
        made["why_policy"],
        pen.fact("output", pen.words("output_said")),
        pen.fact("costs_from", pen.open("risk", "costs_from")),
        pen.fact("assumptions", pen.open("owner", "assumptions")),
    )
    return (Facts(facts, subject.of_record), method.costs(subject, pen))


def _architecture(subject: Subject, pen: Pen) -> tuple[Block, ...]:
    seconds = sum(float(one["training_seconds"] or 0) for one in subject.summary.get("contenders", []))
    form = next(fact for fact in method.making(subject, pen) if fact.key == "form")
    return _facts(
        subject,
        pen.fact("architecture", pen.words("architecture_said")),
        form,
        pen.fact("compute", pen.fixed(seconds, 1)),
    )


def _data(subject: Subject, pen: Pen) -> tuple[Block, ...]:
    facts = (
        *data.rows(subject, pen),
        pen.fact("cleaning", pen.words("cleaning_said")),
        pen.fact("warnings", pen.count(len(subject.card["findings"]))),
        *data.origin(pen),
    )
    return (Facts(facts, subject.of_data), data.features(subject, pen), data.findings(subject, pen))


def review_facts(subject: Subject, pen: Pen) -> tuple[Fact, ...]:
    """What the policy says about a person's look, and who looks."""
    review = subject.bundle.policy.review
    if review is None:
        return (
            pen.fact("review", pen.words("no_review")),
            pen.fact("oversight", pen.open("risk", "oversight")),
        )
    most = float(subject.settings["review"]["most"])
    return (
        pen.fact("review", pen.words("review_said", label=review.label)),
        pen.fact("review_share", pen.share(most)),
        pen.fact("review_cost", pen.money(review.cost)),
        pen.fact("review_accuracy", pen.share(review.accuracy)),
        pen.fact("oversight", pen.open("risk", "oversight")),
    )


def _oversight(subject: Subject, pen: Pen) -> tuple[Block, ...]:
    return _facts(subject, *review_facts(subject, pen), pen.fact("rollback", pen.words("rollback_said")))


def _planned(subject: Subject, pen: Pen) -> tuple[Block, ...]:
    return _facts(subject, pen.fact("planned", pen.open("owner", "planned")))


def _validation(subject: Subject, pen: Pen) -> tuple[Block, ...]:
    test = subject.card["test"]
    facts = (
        pen.fact("rows_test", pen.count(test["n"])),
        pen.fact("positives_test", pen.count(test["positives"])),
        pen.fact("level", pen.share(test["level"])),
        *results.error_facts(subject, pen),
        pen.fact("gate_verdict", _gate(subject, pen)),
        pen.fact("signed_reports", pen.open("risk", "signed_reports")),
    )
    blocks: list[Block] = [Facts(facts, subject.of_record), results.metrics(subject, pen)]
    return (*blocks, _groups(subject, pen))


def _gate(subject: Subject, pen: Pen) -> Value:
    passed = [bool(check["passed"]) for check in subject.version.gate]
    return pen.words("gate_said", passed=sum(passed), of=len(passed))


def _groups(subject: Subject, pen: Pen) -> Block:
    if subject.card["fairness"] is None:
        facts = (pen.fact("groups", pen.open("protection", "groups")),)
        return Facts(facts, subject.of_bundle)
    return Said(fairness_said(subject, pen), subject.of_bundle)


def _security(subject: Subject, pen: Pen) -> tuple[Block, ...]:
    return _facts(
        subject,
        pen.fact("signed", pen.words("signed_with")),
        pen.fact("no_code", pen.words("no_code_said")),
        pen.fact("golden", pen.words("golden_said", count=len(subject.bundle.golden.requests))),
        pen.fact("security", pen.open("security", "security")),
    )


def _functioning(subject: Subject, pen: Pen) -> tuple[Block, ...]:
    facts = (
        *results.error_facts(subject, pen),
        pen.fact("inputs", pen.words("inputs_said", count=len(subject.bundle.contract.read_names))),
        pen.fact("weak_segments", pen.count(len(subject.card["examination"]["segments"]))),
        pen.fact("unintended", pen.open("risk", "unintended")),
    )
    said = limits.known_limits(subject, pen)
    return (Facts(facts, subject.of_record), Said(said, subject.of_record), _groups(subject, pen))


def _metrics(subject: Subject, pen: Pen) -> tuple[Block, ...]:
    return _facts(
        subject,
        pen.fact("why_metrics", pen.words("why_metrics_said")),
        pen.fact("metrics_fit", pen.open("risk", "metrics_fit")),
    )


def _risks(subject: Subject, pen: Pen) -> tuple[Block, ...]:
    known = limits.known_limits(subject, pen)
    return _facts(
        subject,
        pen.fact("known_limits", pen.count(len(known))),
        pen.fact("risks", pen.open("risk", "risks")),
        pen.fact("rights", pen.open("protection", "rights")),
    )


def _changes(subject: Subject, pen: Pen) -> tuple[Block, ...]:
    return (
        *governance.history(subject, pen).blocks,
        Facts((pen.fact("changes", pen.open("owner", "changes")),), subject.of_log),
    )


def _standards(subject: Subject, pen: Pen) -> tuple[Block, ...]:
    return _facts(subject, pen.fact("standards", pen.open("counsel", "standards")))


def _declaration(subject: Subject, pen: Pen) -> tuple[Block, ...]:
    return _facts(subject, pen.fact("declaration", pen.open("counsel", "declaration")))


def _watch(subject: Subject, pen: Pen) -> tuple[Block, ...]:
    return governance.monitoring(subject, pen).blocks


_ANSWERS: Mapping[str, Answer] = {
    "purpose": _purpose,
    "surroundings": _surroundings,
    "forms": _forms,
    "hardware": _hardware,
    "product": _product,
    "interface": _interface,
    "instructions": _instructions,
    "steps": _steps,
    "design": _design,
    "architecture": _architecture,
    "data": _data,
    "oversight": _oversight,
    "planned": _planned,
    "validation": _validation,
    "security": _security,
    "functioning": _functioning,
    "metrics": _metrics,
    "risks": _risks,
    "changes": _changes,
    "standards": _standards,
    "declaration": _declaration,
    "watch": _watch,
}
