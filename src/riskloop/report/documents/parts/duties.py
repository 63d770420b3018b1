"""What people concerned by a decision are told: reasons for a notice, and how far a machine decides."""

from __future__ import annotations

from riskloop.report.documents.laws import Laws
from riskloop.report.documents.parts.documentation import review_facts
from riskloop.report.documents.parts.reasons import nameable, reason_facts
from riskloop.report.documents.pen import Pen
from riskloop.report.documents.subject import Subject
from riskloop.report.documents.tree import Block, Column, Facts, Section, Table
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
        *reason_facts(subject, pen),
        pen.fact("reason_check", pen.open("counsel", "reason_check")),
        pen.fact("notice_sender", pen.open("owner", "notice_sender")),
        pen.fact("notice_contact", pen.open("owner", "notice_contact")),
        pen.fact("notice_sources", pen.open("owner", "notice_sources")),
        pen.fact("notice_rights", pen.open("counsel", "notice_rights")),
        pen.fact("notice_authority", pen.open("counsel", "notice_authority")),
        pen.fact("notice_days", pen.open("counsel", "notice_days")),
    ]
    places = ("equal_credit", "notice"), ("credit_reports", "notice"), ("consumer_credit", "creditworthiness")
    note = " · ".join(laws[law].place(article) for law, article in places)
    blocks: tuple[Block, ...] = (Facts(tuple(facts), subject.of_bundle), nameable(subject, pen))
    return Section("notices", pen.say("notices_title"), blocks, note=note)


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
