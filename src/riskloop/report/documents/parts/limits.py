"""What a version cannot do, or has not shown: derived from facts, a sentence each."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from riskloop.learn.evaluation.fairness import TOGETHER
from riskloop.learn.evaluation.policies import TRIVIAL
from riskloop.report.documents.pen import Pen
from riskloop.report.documents.subject import Subject
from riskloop.report.documents.tree import Facts, Said, Section, Value
from riskloop.report.words import shown

FEW_POSITIVES = 100
STRONG_PROXY = 0.8
"""A feature with this ROC-AUC for a group stands for it."""


def limits(subject: Subject, pen: Pen) -> Section:
    """Sentences that follow from the facts, and what only people can add."""
    said = (*known_limits(subject, pen), pen.words("limit_outside"))
    facts = (pen.fact("other_limits", pen.open("owner", "other_limits")),)
    return Section(
        "limits",
        pen.say("limits_title"),
        (Said(said, subject.of_record), Facts(facts, subject.of_record)),
        note=pen.say("limits_note"),
    )


def known_limits(subject: Subject, pen: Pen) -> tuple[Value, ...]:
    """The limits that the facts show."""
    return (*_of_worth(subject, pen), *_of_data(subject, pen), *_of_groups(subject, pen), *_of_use(subject, pen))


def _of_worth(subject: Subject, pen: Pen) -> Iterator[Value]:
    if subject.version.status == "refused":
        failed = [str(check["name"]) for check in subject.version.gate if not check["passed"]]
        yield pen.words("limit_refused", checks=", ".join(failed))
    if any(row["difference"]["low"] <= 0 for row in subject.policies if row["name"] in TRIVIAL):
        yield pen.words("limit_worth")
    ratio = subject.card["examination"]["reliability"]["in_the_large"]
    if ratio["value"] is not None and not ratio["low"] <= 1 <= ratio["high"]:
        yield pen.words("limit_level", ratio=pen.interval(ratio, "plain").text)
    sweep = subject.card["decided"]["sweep"]
    if sweep["right_from"] is None:
        yield pen.words("limit_threshold")
    else:
        low, high = (pen.number(float(f"{sweep[end]:.3g}")).text for end in ("right_from", "right_to"))
        yield pen.words("limit_ratio", low=low, high=high)


def _of_data(subject: Subject, pen: Pen) -> Iterator[Value]:
    card = subject.card
    positives = card["test"]["positives"]
    if positives < FEW_POSITIVES:
        yield pen.words("limit_positives", count=pen.count(positives).text, few=FEW_POSITIVES)
    if card["split"] == "random":
        yield pen.words("limit_random")
    else:
        yield pen.words("limit_latest", count=pen.count(card["rows"]["test"]).text)
    if card["findings"]:
        yield pen.words("limit_findings", count=len(card["findings"]))
    if card["overrides"]:
        yield pen.words("limit_overrides", names=", ".join(shown(name, 40) for name in card["overrides"]))
    if subject.settings["data"]["sample_rows"]:
        yield pen.words("limit_sample", count=pen.count(subject.settings["data"]["sample_rows"]).text)


def _of_groups(subject: Subject, pen: Pen) -> Iterator[Value]:
    found, audit = subject.card["examination"]["segments"], subject.card["fairness"]
    if found:
        yield pen.words("limit_segments", count=len(found), worst=shown(found[0]["name"], 80))
    if audit is None:
        yield pen.words("limit_no_audit")
        return
    adverse = [one for one in audit["groups"] if one["adverse"]]
    if adverse:
        names = ", ".join(shown(f"{one['attribute']} = {one['level']}", 60) for one in adverse[:5])
        yield pen.words("limit_adverse", names=names)
    yield from _proxies(audit["proxies"], pen)
    if audit["small"]:
        yield pen.words("limit_small", count=len(audit["small"]), least=audit["minimum_rows"])


def _proxies(proxies: list[dict[str, Any]], pen: Pen) -> Iterator[Value]:
    """The feature that tells most about each attribute, where it tells much."""
    strong = [one for one in proxies if one["feature"] != TOGETHER and one["roc_auc"] >= STRONG_PROXY]
    for attribute in dict.fromkeys(one["attribute"] for one in strong):
        first = max((one for one in strong if one["attribute"] == attribute), key=lambda one: float(one["roc_auc"]))
        yield pen.words(
            "limit_proxy",
            feature=shown(first["feature"], 60),
            group=shown(f"{attribute} = {first['level']}", 60),
            auc=pen.plain(first["roc_auc"], "plain"),
        )


def _of_use(subject: Subject, pen: Pen) -> Iterator[Value]:
    review = subject.bundle.policy.review
    if review is not None:
        yield pen.words("limit_review", accuracy=pen.plain(review.accuracy, "whole"))
    if subject.reasons is None:
        yield pen.words("limit_reasons")
