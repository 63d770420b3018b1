"""What people concerned by a decision are told: reasons for a notice, and how far a machine decides."""

from __future__ import annotations

from riskloop.report.documents.laws import Laws
from riskloop.report.documents.parts.data import MOST_LISTED, listed_note
from riskloop.report.documents.parts.documentation import review_facts
from riskloop.report.documents.pen import Pen
from riskloop.report.documents.subject import Subject
from riskloop.report.documents.tree import Block, Column, Fact, Facts, Open, Section, Table, Value
from riskloop.report.words import shown


def legal_frame(pen: Pen, laws: Laws) -> Table:
    """The laws that the pack refers to, and where."""
    rows = []
    for law in laws.laws.values():
        places = " · ".join(f"{one.number} ({one.title})" for one in law.articles.values())
        dates = " · ".join(f"{day} ({what})" for day, what in law.dates)
        rows.append((pen.sentence(law.name), pen.sentence(law.cite), pen.sentence(places), pen.sentence(dates or "–")))
    return Table(
        "laws",
        pen.say("laws_table_title"),
        tuple(Column(pen.say(key)) for key in ("col_law", "col_cite", "col_places", "col_dates")),
        tuple(rows),
        laws.source,
        note=pen.say("laws_note", day=laws.as_of),
    )


def frame(subject: Subject, pen: Pen, laws: Laws) -> Section:
    """Which duties there may be; only counsel can say which there are."""
    facts = (
        pen.fact("class", pen.open("counsel", "class")),
        pen.fact("applicable", pen.open("counsel", "applicable")),
        pen.fact("law_changes", pen.open("counsel", "law_changes")),
    )
    return Section("frame", pen.say("frame_title"), (legal_frame(pen, laws), Facts(facts, subject.of_bundle)))


def unfavourable(subject: Subject) -> str:
    """The decision that customers would rather not have."""
    act, leave = subject.bundle.policy.labels
    return act if subject.settings["fairness"]["favourable"] == "pass" else leave


def notices(subject: Subject, pen: Pen, laws: Laws) -> Section:
    """What a notice of an unfavourable decision needs: principal reasons and fields."""
    facts = [
        pen.fact("notice_decision", pen.text(unfavourable(subject))),
        pen.fact("notice_date", pen.words("notice_date_said")),
        pen.fact("notice_score", pen.words("notice_score_said")),
        *_reasons(subject, pen),
        pen.fact("notice_sender", pen.open("owner", "notice_sender")),
        pen.fact("notice_contact", pen.open("owner", "notice_contact")),
        pen.fact("notice_sources", pen.open("owner", "notice_sources")),
        pen.fact("notice_rights", pen.open("counsel", "notice_rights")),
        pen.fact("notice_authority", pen.open("counsel", "notice_authority")),
        pen.fact("notice_days", pen.open("counsel", "notice_days")),
    ]
    places = ("equal_credit", "notice"), ("credit_reports", "notice"), ("consumer_credit", "creditworthiness")
    note = " · ".join(laws[law].place(article) for law, article in places)
    blocks: tuple[Block, ...] = (Facts(tuple(facts), subject.of_bundle), _nameable(subject, pen))
    return Section("notices", pen.say("notices_title"), blocks, note=note)


def _reasons(subject: Subject, pen: Pen) -> tuple[Fact, ...]:
    """The reason codes of the bundle, whatever they hold; where it has none, they are to be given otherwise."""
    if subject.reasons is None:
        return (
            pen.fact("reasons", pen.open("owner", "reasons")),
            pen.fact("reason_words", pen.open("owner", "reason_words")),
        )
    told = ", ".join(f"{name}: {_brief(value)}" for name, value in subject.reasons.items())
    return (
        pen.fact("reasons", pen.text(told, 400)),
        pen.fact("reason_words", pen.open("counsel", "reason_check")),
    )


def _brief(value: object) -> str:
    return str(len(value)) if isinstance(value, (dict, list)) else str(value)


def _nameable(subject: Subject, pen: Pen) -> Table:
    """Features with what they weigh, and the group under which they may be named."""
    linked = {name: table.name for table in subject.bundle.linked.tables for name in _made_by(subject, table.name)}
    groups = _groups(subject)
    rows = []
    for name, growth in subject.importance[:MOST_LISTED]:
        protected: Value | Open = pen.yes(False)
        if name in subject.sensitive:
            protected = pen.open("counsel", "protected_reason")
        group = groups.get(name) or linked.get(name) or name
        rows.append((pen.text(name, 60), pen.text(group, 60), pen.number(growth), pen.yes(growth > 0), protected))
    labels = ("col_feature", "col_reason_group", "col_growth", "col_nameable", "col_protected")
    return Table(
        "nameable",
        pen.say("nameable_title"),
        tuple(Column(pen.say(key), key == "col_growth", key == "col_growth") for key in labels),
        tuple(rows),
        subject.of_bundle,
        note=f"{pen.say('nameable_note')} {listed_note(len(subject.importance), pen)}".rstrip(),
    )


def _groups(subject: Subject) -> dict[str, str]:
    """Groups of features, where the bundle's reason codes name them: by group, or by feature."""
    found = (subject.reasons or {}).get("groups")
    if not isinstance(found, dict):
        return {}
    by_feature = {name: group for name, group in found.items() if isinstance(group, str)}
    listed = {name: group for group, names in found.items() if isinstance(names, list) for name in names}
    return by_feature | listed


def _made_by(subject: Subject, table: str) -> tuple[str, ...]:
    found = next(one for one in subject.bundle.linked.tables if one.name == table)
    return tuple(feature.name for feature in found.features)


def decisions(subject: Subject, pen: Pen, laws: Laws) -> Section:
    """What people are told about a decision that a machine takes: logic, meaning, consequences, a person's part."""
    names = ", ".join(shown(name, 40) for name, growth in subject.importance[:5] if growth > 0)
    chosen = next(row for row in subject.policies if row["name"] == "chosen")
    facts = (
        pen.fact("automated", pen.words("automated_said")),
        pen.fact("logic", pen.words("logic_said")),
        pen.fact("relied_on", pen.text(names)),
        pen.fact("when_acted", pen.told(subject.bundle.policy.why)),
        pen.fact("act_rate", pen.percent(chosen["act_rate"])),
        pen.fact("notice_decision", pen.text(unfavourable(subject))),
        pen.fact("wrongly_acted", pen.count(chosen["confusion"]["fp"])),
        pen.fact("wrongly_left", pen.count(chosen["confusion"]["fn"])),
        *review_facts(subject, pen),
        pen.fact("found_again", pen.code("riskloop history --customer ID --on DATE")),
        pen.fact("significance", pen.open("owner", "significance")),
        pen.fact("consequences", pen.open("owner", "consequences")),
        pen.fact("solely", pen.open("protection", "solely")),
        pen.fact("ground", pen.open("counsel", "ground")),
        pen.fact("contest", pen.open("protection", "contest")),
        pen.fact("assessment", pen.open("protection", "assessment")),
    )
    places = ("privacy", "decisions"), ("privacy", "information"), ("privacy", "assessment"), ("systems", "explanation")
    note = " · ".join(laws[law].place(article) for law, article in places)
    return Section("decisions", pen.say("decisions_title"), (Facts(facts, subject.of_record),), note=note)
