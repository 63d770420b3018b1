"""How single decisions are explained: what a version's reason codes are, and what they may name."""

from __future__ import annotations

from riskloop.report.documents.parts.data import MOST_LISTED, listed_note
from riskloop.report.documents.pen import Pen
from riskloop.report.documents.subject import Subject
from riskloop.report.documents.tree import Block, Column, Fact, Facts, Open, Section, Table, Value
from riskloop.report.words import shown


def reasons(subject: Subject, pen: Pen) -> Section:
    """Reason codes, and the features that they may name."""
    blocks: tuple[Block, ...] = (Facts(reason_facts(subject, pen), subject.of_bundle), nameable(subject, pen))
    return Section("reasons", pen.say("reasons_title"), blocks, note=pen.say("reasons_note"))


def reason_facts(subject: Subject, pen: Pen) -> tuple[Fact, ...]:
    """What the bundle says about reasons; where it says nothing, they are to be found otherwise."""
    told = subject.reasons
    if told is None:
        return (
            pen.fact("reasons", pen.open("owner", "reasons")),
            pen.fact("reason_words", pen.open("owner", "reason_words")),
        )
    proof = subject.card.get("attributions", {})
    barred = ", ".join(shown(name, 40) for name in (*told.get("protected", ()), *told.get("immutable", ())))
    version = told.get("texts", {}).get("version")
    return (
        pen.fact("reasons", pen.words("reasons_said", most=told.get("most"))),
        pen.fact("baseline", pen.words("baseline_said", count=proof.get("baseline_rows", 0))),
        pen.fact("additivity", pen.number(proof.get("additivity"))),
        pen.fact("business_reasons", pen.count(len(told.get("groups", ())))),
        pen.fact("never_named", pen.text(barred) if barred else pen.words("none_barred")),
        pen.fact("reason_words", pen.words("reason_words_said", version=shown(str(version), 20))),
        pen.fact("explained_by", pen.code("riskloop explain --id ID")),
    )


def nameable(subject: Subject, pen: Pen) -> Table:
    """Features with what they weigh, and the business reason under which they may be named."""
    rules, shares = subject.bundle.rules, subject.card.get("attributions", {}).get("mean_share", {})
    rows = []
    for name, growth in subject.importance[:MOST_LISTED]:
        weight = shares.get(name, growth)
        named = pen.text(rules.texts.name(rules.group_of(name), pen.language), 60)
        rows.append((pen.text(name, 60), named, pen.number(weight), _may(subject, name, weight, pen)))
    labels = ("col_feature", "col_reason_group", "col_share" if shares else "col_growth", "col_nameable")
    return Table(
        "nameable",
        pen.say("nameable_title"),
        tuple(Column(pen.say(key), key == labels[2], key == labels[2]) for key in labels),
        tuple(rows),
        subject.of_bundle,
        note=f"{pen.say('nameable_note')} {listed_note(len(subject.importance), pen)}".rstrip(),
    )


def _may(subject: Subject, name: str, weight: float, pen: Pen) -> Value | Open:
    if name in subject.bundle.rules.barred:
        return pen.words("barred")
    if name in subject.sensitive:
        return pen.open("counsel", "protected_reason")
    return pen.yes(weight > 0)
