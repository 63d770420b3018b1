"""`riskloop report model` and `report compliance`: gather what is known of a version, and have it written down."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from riskloop.bundle.load import read_verified
from riskloop.errors import NotFound
from riskloop.keep.chain import Head, verify_chain
from riskloop.loop.project import Project
from riskloop.loop.publishing import publish
from riskloop.loop.workflows.history import History, history
from riskloop.report.documents.compliance import BILL, bill, compliance_pack
from riskloop.report.documents.model import model_report
from riskloop.report.documents.sbom import components
from riskloop.report.documents.subject import NEEDED, Subject
from riskloop.report.documents.writing import Written, write_document
from riskloop.report.words import Language


def report_model(project: Project, version: int | None = None, language: Language = "en") -> Written:
    """Write the model report of a version: page, Markdown and JSON in ``.riskloop/reports``.

    Parameters
    ----------
    version : int, optional
        The champion by default, or the newest version where none leads.
    language : {"en", "fr"}

    Raises
    ------
    NotFound
        If there is no such version, or none at all.
    BundleRefused
        If its bundle was altered.
    """
    subject = gather(project, version)
    document = model_report(subject, language)
    stem = f"model-{document.version}{_suffix(language)}"
    written = write_document(document, project.locations.reports, stem)
    publish(project, written.files.values())
    return written


def report_compliance(project: Project, version: int | None = None, language: Language = "en") -> Written:
    """Write the compliance pack of a version, a folder in ``.riskloop/reports``: page, Markdown, JSON and the bill of
    materials.

    Raises
    ------
    NotFound, BundleRefused
        See `report_model`.
    RiskloopError
        If riskloop is not installed as a package, so that what it runs on is not known.
    """
    subject = gather(project, version)
    parts = components()
    folder = project.locations.reports / f"compliance-{subject.version.version}"
    document = compliance_pack(subject, parts, language)
    written = write_document(document, folder, f"compliance{_suffix(language)}", {BILL: bill(subject, parts)})
    publish(project, written.files.values())
    return written


def _suffix(language: Language) -> str:
    return "" if language == "en" else f".{language}"


def gather(project: Project, version: int | None = None) -> Subject:
    """Everything that documents say about a version; see `report_model` for what may go wrong."""
    past = history(project)
    record, bundle = project.bundle(_chosen(past, version))
    _check_card(record.version, bundle.card)
    path = project.bundles.path(record.bundle)
    files = read_verified(path, project.keys.trusted())
    signature = json.loads((path / "signature.json").read_text())
    made = record.summary.get("plan", {})
    return Subject(
        version=record,
        bundle=replace(bundle, digest=hashlib.sha256(files["manifest.json"]).hexdigest()),
        settings=made.get("settings") or project.settings.model_dump(mode="json"),
        alias=past.alias(record.version),
        events=past.events,
        verified=verify_chain(past.events),
        head=Head(past.events[-1].seq, past.events[-1].hash) if past.events else Head(),
        four_eyes=project.settings.gate.four_eyes,
        key=hashlib.sha256(signature["public_key"].encode()).hexdigest()[:16],
        files={name: hashlib.sha256(data).hexdigest() for name, data in sorted(files.items())},
        generated=project.clock(),
    )


def _chosen(past: History, version: int | None) -> int:
    """The version asked for, the champion, or the newest."""
    if version is not None:
        return version
    if past.state.champion is not None:
        return past.state.champion
    if not past.versions:
        raise NotFound("There is no version yet.", where="versions", next_step="train one: riskloop train")
    return past.versions[-1].version


def _check_card(version: int, card: Mapping[str, Any]) -> None:
    lacking = [name for name in NEEDED if name not in card]
    if lacking:
        raise NotFound(
            f"Version {version} does not say enough of itself: its card lacks {', '.join(lacking)}.",
            where=f"version {version}",
            next_step="it is of an earlier riskloop; train anew",
        )
