"""What a version decides, for whom, and how it stands."""

from __future__ import annotations

from riskloop.learn.evaluation.policies import TRIVIAL
from riskloop.report.documents.pen import Pen
from riskloop.report.documents.subject import Subject
from riskloop.report.documents.tree import Facts, Said, Section, Value


def glance(subject: Subject, pen: Pen) -> Section:
    """A version in five tiles and a sentence."""
    test = subject.card["test"]
    rows = {row["name"]: row for row in subject.policies}
    tiles = (
        pen.fact("status", status(subject, pen)),
        pen.fact("roc_auc", pen.interval(test["metrics"]["roc_auc"])),
        pen.fact("cost", pen.interval(rows["chosen"]["cost_per_thousand"], "money", unit=subject.currency)),
        pen.fact("acted_on", pen.percent(rows["chosen"]["act_rate"])),
        pen.fact("tested_on", pen.count(test["n"])),
    )
    return Section(
        "glance",
        pen.say("glance_title"),
        (Facts(tiles, subject.of_record, large=True), Said((verdict(subject, pen),), subject.of_record)),
        note=pen.say("interval_note", level=pen.plain(test["level"], "whole")),
    )


def status(subject: Subject, pen: Pen) -> Value:
    """Whether the version leads, waits or was refused."""
    if subject.alias:
        return pen.words(f"alias_{subject.alias}")
    return pen.words(f"status_{subject.version.status}")


def verdict(subject: Subject, pen: Pen) -> Value:
    """Does the version beat the cheaper of acting on everyone and on nobody?"""
    best = min((row for row in subject.policies if row["name"] in TRIVIAL), key=lambda row: row["difference"]["mean"])
    difference = best["difference"]
    which = "cheaper" if difference["low"] > 0 else "dearer" if difference["high"] < 0 else "same"
    amount = {"value": difference["mean"], "low": difference["low"], "high": difference["high"]}
    return pen.words(
        f"verdict_{which}",
        other=pen.say(f"verdict_{best['name']}"),
        difference=pen.interval(amount, "money", unit=subject.currency).text,
    )


def purpose(subject: Subject, pen: Pen) -> Section:
    """What it decides and for whom; what only its owner knows is open."""
    problem, policy = subject.settings["problem"], subject.bundle.policy
    act, leave = policy.labels
    positive = subject.card["positive"]
    facts = (
        pen.fact("name", pen.text(subject.bundle.name)),
        pen.fact("version", pen.count(subject.version.version)),
        pen.fact("made", pen.moment(subject.version.created_at)),
        pen.fact("digest", pen.code(subject.bundle.digest)),
        pen.fact("foresees", pen.text(f"{positive['target']} = {positive['value']}")),
        pen.fact("about", pen.text(problem["id"]) if problem["id"] else pen.words("about_row")),
        pen.fact("decision_act", pen.text(act)),
        pen.fact("decision_leave", pen.text(leave)),
        pen.fact("decision_review", pen.text(policy.review.label) if policy.review else pen.words("no_review")),
        pen.fact("intended_use", pen.open("owner", "intended_use")),
        pen.fact("users", pen.open("owner", "users")),
        pen.fact("misuse", pen.open("owner", "misuse")),
        pen.fact("people", pen.open("risk", "people")),
        pen.fact("horizon", pen.open("owner", "horizon")),
    )
    return Section("purpose", pen.say("purpose_title"), (Facts(facts, subject.of_bundle),))
