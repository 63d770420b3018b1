"""The compliance pack: an outline of technical documentation, notices, automated decisions, governance, components."""

from __future__ import annotations

import json

from riskloop.report.documents.laws import read_laws
from riskloop.report.documents.parts import duties, governance
from riskloop.report.documents.parts.documentation import documentation
from riskloop.report.documents.parts.materials import materials, state
from riskloop.report.documents.pen import Pen
from riskloop.report.documents.sbom import Component, bill_of_materials
from riskloop.report.documents.subject import Subject
from riskloop.report.documents.tree import Document, Facts, Section, completeness
from riskloop.report.words import Language

SCHEMA = "riskloop/compliance-pack/1"
BILL = "sbom.cdx.json"


def bill(subject: Subject, parts: tuple[Component, ...]) -> str:
    """The text of the bill of materials."""
    number, digest = subject.version.version, subject.bundle.digest
    return json.dumps(bill_of_materials(subject.bundle.name, number, digest, subject.files, parts), indent=1) + "\n"


def compliance_pack(subject: Subject, parts: tuple[Component, ...], language: Language = "en") -> Document:
    """What is known about a version, arranged as those ask who supervise it; what they must add is open.

    Parameters
    ----------
    parts : tuple of Component
        What the version runs on.
    """
    pen, laws = Pen(language, subject.currency), read_laws(language)
    sections = (
        duties.frame(subject, pen, laws),
        *documentation(subject, pen, laws, parts),
        duties.notices(subject, pen, laws),
        duties.decisions(subject, pen, laws),
        _governance(subject, pen),
        materials(subject, pen, parts, bill(subject, parts), BILL),
    )
    known = completeness(sections)
    return Document(
        schema=SCHEMA,
        title=pen.say("compliance_title", name=subject.bundle.name, version=subject.version.version),
        subtitle=pen.say("made_on_laws", when=pen.moment(subject.generated).text, day=laws.as_of),
        language=language,
        generated=subject.generated,
        version=subject.version.version,
        digest=subject.bundle.digest,
        sections=(state(subject, pen, known), *sections),
        completeness=known,
        notice=pen.say("not_advice"),
        front={
            "model_name": subject.bundle.name,
            "version": subject.version.version,
            "digest": f"sha256:{subject.bundle.digest}",
            "laws_as_of": laws.as_of,
            "language": language,
            "answered": known.answered,
            "points": known.points,
        },
    )


def _governance(subject: Subject, pen: Pen) -> Section:
    blocks = governance.history(subject, pen).blocks
    signed = Facts(governance.signature_facts(subject, pen), subject.of_bundle)
    return Section("governance", pen.say("governance_title"), (*blocks, signed, governance.gate_table(subject, pen)))
