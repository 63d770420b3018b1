"""What a version runs on, with licences; and how complete a pack is."""

from __future__ import annotations

import hashlib
from collections import Counter

from riskloop.report.documents.pen import Pen
from riskloop.report.documents.sbom import Component
from riskloop.report.documents.subject import Subject
from riskloop.report.documents.tree import Column, Completeness, Facts, Section, Source, Table


def materials(subject: Subject, pen: Pen, parts: tuple[Component, ...], bill: str, name: str) -> Section:
    """The components in short; ``bill`` is the text of the file called ``name``."""
    source = Source({"components": hashlib.sha256(bill.encode()).hexdigest(), "bundle": subject.bundle.digest})
    unknown = sum(not one.licence for one in parts)
    facts = (
        pen.fact("components", pen.count(len(parts))),
        pen.fact("unlicensed", pen.count(unknown)),
        pen.fact("bill", pen.code(name)),
        pen.fact("licence_review", pen.open("counsel", "licence_review")),
    )
    counted = Counter(one.licence or pen.say("licence_unknown") for one in parts)
    licences = Table(
        "licences",
        pen.say("licences_title"),
        (Column(pen.say("col_licence")), Column(pen.say("col_components"), numeric=True)),
        tuple(
            (pen.text(licence, 80), pen.count(count))
            for licence, count in sorted(counted.items(), key=lambda item: (-item[1], item[0]))
        ),
        source,
        folded=True,
    )
    listed = Table(
        "components",
        pen.say("components_title"),
        (Column(pen.say("col_component")), Column(pen.say("col_version")), Column(pen.say("col_licence"))),
        tuple(
            (pen.code(one.name, 60), pen.code(one.version, 40), pen.text(one.licence or pen.say("licence_unknown"), 60))
            for one in parts
        ),
        source,
        folded=True,
    )
    return Section("components", pen.say("materials_title"), (Facts(facts, source), licences, listed))


def state(subject: Subject, pen: Pen, known: Completeness) -> Section:
    """What is open, by role."""
    table = Table(
        "open",
        pen.say("open_table_title"),
        (
            Column(pen.say("col_role")),
            Column(pen.say("col_open"), numeric=True),
            Column(pen.say("col_where")),
        ),
        tuple(
            (
                pen.words(f"role_{role}"),
                pen.count(len(places)),
                pen.sentence(", ".join(dict.fromkeys(pen.say(f"fact_{place.rpartition('/')[2]}") for place in places))),
            )
            for role, places in known.open.items()
        ),
        subject.of_record,
    )
    return Section("state", pen.say("state_title"), (table,), note=pen.say("state_note"))
