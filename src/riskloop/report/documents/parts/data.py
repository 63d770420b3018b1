"""The data a version learnt from."""

from __future__ import annotations

from pathlib import PurePath
from typing import Any

from riskloop.report.documents.pen import Pen
from riskloop.report.documents.subject import Subject
from riskloop.report.documents.tree import Block, Column, Fact, Facts, Said, Section, Table, Value

MOST_LISTED = 200
"""With this bound a document of a table with thousands of columns stays below 1 MB; the bundle's files hold all."""


def data(subject: Subject, pen: Pen) -> Section:
    """Rows, split, features, what was left out, and what was found."""
    blocks: list[Block] = [Facts((*rows(subject, pen), *origin(pen)), subject.of_data), features(subject, pen)]
    blocks += [_left_out(subject, pen), _overrides(subject, pen), findings(subject, pen)]
    return Section("data", pen.say("data_title"), tuple(blocks))


def rows(subject: Subject, pen: Pen) -> tuple[Fact, ...]:
    """Counts, split and fingerprint."""
    card, settings = subject.card, subject.settings
    test, problem = card["test"], settings["problem"]
    return (
        pen.fact("table", pen.text(PurePath(settings["data"]["path"]).name)),
        pen.fact("rows", pen.count(subject.summary.get("rows", card["rows"]["training"] + card["rows"]["test"]))),
        pen.fact("rows_training", pen.count(card["rows"]["training"])),
        pen.fact("rows_test", pen.count(card["rows"]["test"])),
        pen.fact("positives_test", pen.count(test["positives"])),
        pen.fact("rate_test", pen.percent(test["prevalence"])),
        pen.fact("split", pen.words(f"split_is_{card['split']}", str(card["split"]))),
        pen.fact("event_time", pen.text(problem["time"]) if problem["time"] else pen.words("no_event_time")),
        pen.fact("linked", _linked(subject, pen)),
        pen.fact("fingerprint", pen.code(card["data_fingerprint"])),
    )


def _linked(subject: Subject, pen: Pen) -> Value:
    tables = subject.bundle.linked.tables
    return pen.text(", ".join(table.name for table in tables)) if tables else pen.words("no_linked")


def origin(pen: Pen) -> tuple[Fact, ...]:
    """What no table tells about itself."""
    return (
        pen.fact("collected", pen.open("owner", "collected")),
        pen.fact("lawful_basis", pen.open("protection", "lawful_basis")),
    )


def features(subject: Subject, pen: Pen) -> Table:
    """What the model reads, with the share missing in training, and what only prices decisions."""
    contract, profile = subject.bundle.contract, subject.bundle.profile.get("columns", {})
    known = {column.name: column for column in contract.columns}
    shown = [(name, "feature") for name in contract.features] + [(name, "priced") for name in contract.priced]
    table = [
        (
            pen.text(name, 60),
            pen.words(f"type_{known[name].type}") if name in known else pen.words("from_linked"),
            pen.words(f"use_{use}"),
            pen.percent(_missing(profile.get(name))),
        )
        for name, use in shown[:MOST_LISTED]
    ]
    columns = ("col_feature", "col_type", "col_use", "col_missing")
    return Table(
        "features",
        pen.say("features_title", count=pen.count(len(contract.features)).text),
        tuple(Column(pen.say(key), key == "col_missing", key == "col_type") for key in columns),
        tuple(table),
        subject.of_bundle,
        note=listed_note(len(shown), pen),
    )


def listed_note(count: int, pen: Pen) -> str:
    """That a table of so many rows is cut, where it is."""
    return pen.say("listed_note", shown=MOST_LISTED, count=pen.count(count).text) if count > MOST_LISTED else ""


def _missing(summary: dict[str, Any] | None) -> float | None:
    return None if summary is None else summary.get("missing")


def _left_out(subject: Subject, pen: Pen) -> Table:
    problem = subject.settings["problem"]
    reasons = {name: pen.text(reason) for name, reason in subject.card["not_used"].items()}
    allowed = subject.card["overrides"]
    roles = {
        **dict.fromkeys((name for name in problem["sensitive"] if name not in allowed), "sensitive"),
        **dict.fromkeys(problem["unavailable"], "unavailable"),
        **({problem["time"]: "time"} if problem["time"] else {}),
        **({problem["id"]: "id"} if problem["id"] else {}),
    }
    reasons |= {name: pen.words(f"because_{role}") for name, role in roles.items()}
    return Table(
        "left_out",
        pen.say("left_out_title"),
        (Column(pen.say("col_column")), Column(pen.say("col_why"))),
        tuple((pen.text(name, 60), why) for name, why in list(reasons.items())[:MOST_LISTED]),
        subject.of_bundle,
        note=listed_note(len(reasons), pen),
    )


def _overrides(subject: Subject, pen: Pen) -> Table:
    return Table(
        "overrides",
        pen.say("overrides_title"),
        (Column(pen.say("col_column")), Column(pen.say("col_why"))),
        tuple((pen.text(name, 60), pen.text(why)) for name, why in subject.card["overrides"].items()),
        subject.of_bundle,
    )


def findings(subject: Subject, pen: Pen) -> Table | Said:
    """What the quality gate and the examination warned of."""
    found = subject.card["findings"]
    if not found:
        return Said((pen.words("no_findings_said"),), subject.of_bundle)
    return Table(
        "findings",
        pen.say("findings_title"),
        (Column(pen.say("col_severity")), Column(pen.say("col_column")), *_found_columns(pen)),
        tuple(
            (
                pen.words(f"severity_{one['severity']}"),
                pen.text(one["column"], 60) if one["column"] else pen.words("whole_table_said"),
                pen.told(one["message"]),
                pen.told(one["next_step"]),
            )
            for one in found[:MOST_LISTED]
        ),
        subject.of_bundle,
        note=listed_note(len(found), pen),
    )


def _found_columns(pen: Pen) -> tuple[Column, Column]:
    return Column(pen.say("col_found")), Column(pen.say("col_next"))
