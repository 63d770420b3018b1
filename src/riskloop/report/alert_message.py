"""An alert in words: what happened, how large, since when, what to do next, where to look. No customer is in it."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from datetime import datetime

from riskloop.keep.alerts.records import Alert
from riskloop.report.documents.pen import Pen
from riskloop.report.words import written
from riskloop.watch.alerts import MEASURES

_NEXT: Mapping[str, str] = {
    **dict.fromkeys(
        ("columns_moved", "drift_verdict", "score_psi", "act_rate_change", "broken_share", "expected_cost_change"),
        "next_drift",
    ),
    "label_completeness": "next_outcomes",
    "latency_p99": "next_latency",
    "error_rate": "next_service",
    "predictions": "next_service",
    "service_down": "next_service",
    "ledger_lost": "next_ledger",
    "guardrail": "next_challenger",
    "sample_ratio": "next_challenger",
}
_FLAGS = ("flag", "verdict")
_MOST_NAMES = 8


def what_of(alert: Alert, pen: Pen) -> str:
    """What happened, and how large it is: the heading of everything said about an alert."""
    measure = pen.say(f"measure_{alert.measure}")
    if MEASURES[alert.measure] in _FLAGS:
        return measure
    return pen.say("alert_what", measure=measure, value=value_of(alert, pen))


def title_of(alert: Alert, project: str, pen: Pen, *, resolved: bool = False) -> str:
    """The title of a message, in one line."""
    key = "alert_title_resolved" if resolved else "alert_title"
    return pen.say(key, severity=severity_of(alert, pen), project=project, what=what_of(alert, pen))


def body_of(alert: Alert, pen: Pen, *, resolved: bool = False, link: str | None = None) -> str:
    """The text of a message.

    Parameters
    ----------
    link : str, optional
        Where the alerts are to be seen.
    """
    return "\n".join(_lines(alert, pen, resolved, link))


def next_of(alert: Alert, pen: Pen) -> str:
    """What to do about it."""
    return pen.say(_NEXT.get(alert.measure, "next_performance"))


def limit_of(alert: Alert, pen: Pen) -> str | None:
    """Beyond what it is an alert; None of what merely is so, or not."""
    how = MEASURES[alert.measure]
    if how in _FLAGS:
        return None
    return f"{pen.say(f'comparison_{alert.comparison}')} {number_of(alert.threshold, how, pen)}"


def severity_of(alert: Alert, pen: Pen) -> str:
    """How grave it is, in a word."""
    return pen.say(f"severity_{alert.severity}")


def subject_of(alert: Alert, pen: Pen) -> str:
    """On what it was measured, with the version where it is known."""
    subject = alert.subject.partition(" of version ")[0]  # which version is told below
    key = f"subject_{subject}"
    told = pen.say(key) if pen.knows(key) else pen.text(alert.subject, 80).text
    if subject == "batches" and alert.context.get("name"):
        told = f"{told} ({pen.text(alert.context['name'], 80).text})"
    version = alert.context.get("version")
    return told if version is None else pen.say("subject_version", subject=told, version=version)


def value_of(alert: Alert, pen: Pen) -> str:
    """The value with its interval."""
    how = MEASURES[alert.measure]
    told = number_of(alert.value, how, pen)
    if alert.low is None and alert.high is None:
        return told
    between = "\N{NO-BREAK SPACE}; " if pen.language == "fr" else ", "
    return f"{told} [{between.join(number_of(end, how, pen) for end in (alert.low, alert.high))}]"


def number_of(value: float | None, how: str, pen: Pen) -> str:
    """A value as its measure is written."""
    if value is None or not math.isfinite(value):
        return "–"
    if how in ("change", "points"):
        return written(f"{value * 100:+,.1f}%", pen.language)
    if how == "milliseconds":
        return f"{written(f'{value:,.0f}', pen.language)}\N{NO-BREAK SPACE}ms"
    if how == "share":
        return pen.percent(value).text
    if how == "small":
        return pen.number(value).text
    return pen.fixed(value).text if how == "fixed" else pen.count(value).text


def _lines(alert: Alert, pen: Pen, resolved: bool, link: str | None) -> Iterator[str]:
    how, context = MEASURES[alert.measure], alert.context
    plain = how in _FLAGS
    if resolved:
        yield pen.say("alert_over_flag" if plain else "alert_over", value=value_of(alert, pen))
    else:
        yield pen.say(
            "alert_found_flag" if plain else "alert_found",
            measure=pen.say(f"measure_{alert.measure}"),
            value=value_of(alert, pen),
            comparison=pen.say(f"comparison_{alert.comparison}"),
            threshold=number_of(alert.threshold, how, pen),
        )
    yield pen.say("alert_where", subject=subject_of(alert, pen))
    if context.get("promised") is not None:
        yield pen.say("alert_promised", value=pen.interval(context["promised"], context.get("written", "fixed")).text)
    if context.get("names") and not resolved:
        names = [pen.text(name, 40).text for name in context["names"][:_MOST_NAMES]]
        yield pen.say("alert_columns", names=", ".join(names) + (", …" if len(context["names"]) > _MOST_NAMES else ""))
    if context.get("n") is not None:
        yield pen.say("alert_rests_on", n=pen.count(context["n"]).text)
    since, until = _moment(alert.since, pen), alert.resolved_at
    yield (
        pen.say("alert_lasted", when=since, until=_moment(until, pen)) if until else pen.say("alert_since", when=since)
    )
    if not resolved:
        yield pen.say("alert_next", step=next_of(alert, pen))
    if context.get("report"):
        yield pen.say("alert_report", path=context["report"])
    if link:
        yield pen.say("alert_link", url=f"{link.rstrip('/')}/alerts")
    if not resolved:
        yield pen.say("alert_acknowledge", id=alert.alert_id, rule=alert.rule)


def _moment(when: datetime, pen: Pen) -> str:
    return pen.moment(when).text
