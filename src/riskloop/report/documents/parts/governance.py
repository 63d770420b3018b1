"""Who let a version lead, what it had to show, what is watched, and how it is made again."""

from __future__ import annotations

from riskloop.report.documents.pen import Pen
from riskloop.report.documents.subject import Subject
from riskloop.report.documents.tree import Block, Column, Fact, Facts, Said, Section, Table

_WATCHED = (
    "watch_ledger",
    "watch_outcomes",
    "watch_contract",
    "watch_metrics",
    "watch_counts",
    "watch_profile",
    "watch_drift",
)


def monitoring(subject: Subject, pen: Pen) -> Section:
    """What the system keeps and counts once the version serves, and what people must decide."""
    facts = (
        pen.fact("profile_rows", pen.count(subject.bundle.profile.get("rows"))),
        pen.fact("watch_rhythm", pen.open("risk", "watch_rhythm")),
        pen.fact("watch_limits", pen.open("risk", "watch_limits")),
        pen.fact("watch_owner", pen.open("owner", "watch_owner")),
    )
    said = Said(tuple(pen.words(key) for key in _WATCHED), subject.of_bundle)
    return Section("monitoring", pen.say("monitoring_title"), (said, Facts(facts, subject.of_bundle)))


def gate(subject: Subject, pen: Pen) -> Section:
    """The promotion gate's checks."""
    return Section("gate", pen.say("gate_title"), (gate_table(subject, pen),), note=pen.say("gate_note"))


def gate_table(subject: Subject, pen: Pen) -> Table:
    """Every check with its value, its limit and its verdict."""
    labels = ("col_check", "col_value", "col_limit", "col_passed", "col_message")
    return Table(
        "gate",
        pen.say("gate_table_title"),
        tuple(Column(pen.say(key), key in ("col_value", "col_limit"), key == "col_message") for key in labels),
        tuple(
            (
                pen.code(check["name"]),
                pen.number(check.get("value")),
                pen.number(check.get("limit")),
                pen.yes(bool(check["passed"])),
                pen.told(check["message"]),
            )
            for check in subject.version.gate
        ),
        subject.of_record,
    )


def history(subject: Subject, pen: Pen) -> Section:
    """The promotion log, with this version's events."""
    blocks: list[Block] = [Facts(log_facts(subject, pen), subject.of_log)]
    events = [event for event in subject.events if event.version == subject.version.version]
    if not events:
        blocks.append(Said((pen.words("no_events"),), subject.of_log))
        return Section("history", pen.say("history_title"), tuple(blocks))
    labels = ("col_event", "col_when", "col_kind", "col_actor", "col_approver", "col_reason", "col_hash")
    blocks.append(
        Table(
            "history",
            pen.say("history_table_title"),
            tuple(Column(pen.say(key), key == "col_event", key == "col_hash") for key in labels),
            tuple(
                (
                    pen.count(event.seq),
                    pen.moment(event.at),
                    pen.words(f"kind_{event.kind}", event.kind),
                    pen.text(event.actor, 60),
                    pen.text(event.approver or "–", 60),
                    pen.text(event.reason),
                    pen.code(event.hash[:12]),
                )
                for event in events
            ),
            subject.of_log,
        )
    )
    return Section("history", pen.say("history_title"), tuple(blocks))


def log_facts(subject: Subject, pen: Pen) -> tuple[Fact, ...]:
    """Whether the log is whole, and where it ends."""
    verified = subject.verified
    why = "" if verified.ok else f": {verified.first_broken_seq}, {verified.why}"
    whole = pen.words("log_whole", count=verified.checked) if verified.ok else pen.words("log_broken", why=why)
    return (
        pen.fact("log_verified", whole),
        pen.fact("log_events", pen.count(subject.head.seq)),
        pen.fact("log_head", pen.code(subject.head.hash)),
        pen.fact("four_eyes", pen.yes(subject.four_eyes)),
    )


def signature_facts(subject: Subject, pen: Pen) -> tuple[Fact, ...]:
    """What proves that the bundle is the one that was made."""
    return (
        pen.fact("digest", pen.code(subject.bundle.digest)),
        pen.fact("signed", pen.words("signed_with")),
        pen.fact("signing_key", pen.code(subject.key)),
        pen.fact("files", pen.count(len(subject.files))),
    )


def reproduce(subject: Subject, pen: Pen) -> Section:
    """How to make the version again, and with what it was made."""
    number = subject.version.version
    made = subject.summary.get("plan", {})
    facts = (
        pen.fact("reproduce", pen.code(f"riskloop reproduce {number}")),
        pen.fact("verify_log", pen.code("riskloop audit verify")),
        pen.fact("run", pen.code(subject.version.run_id or "–")),
        *signature_facts(subject, pen),
    )
    libraries = Table(
        "libraries",
        pen.say("libraries_title"),
        (Column(pen.say("col_library")), Column(pen.say("col_version"))),
        tuple((pen.code(name), pen.code(version)) for name, version in made.get("libraries", {}).items()),
        subject.of_record,
    )
    blocks = (Facts(facts, subject.of_record), libraries)
    return Section("reproduce", pen.say("reproduce_title"), blocks, note=pen.say("reproduce_note"))
