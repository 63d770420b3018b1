"""What moved, in words: the verdict in one sentence, its reasons, and what became of a column."""

from __future__ import annotations

import math

from riskloop.intervals import Interval
from riskloop.report.documents.pen import Pen
from riskloop.report.documents.tree import Value
from riskloop.report.words import written
from riskloop.watch.column_drift import ColumnDrift, Reason
from riskloop.watch.drift import Drift

_MOST_NAMES = 8


def headline(drift: Drift, pen: Pen) -> str:
    """The verdict in one sentence: what moved, what it costs, what to do."""
    if drift.reasons[0].code == "few_rows":
        return _reason(drift.reasons[0], drift, pen)
    moved, every = len(drift.moved), len(drift.columns)
    if moved:
        what = pen.say("drift_one" if moved == 1 else "drift_something", count=moved, all=every)
    elif any(one.code.startswith("fallen") for one in drift.reasons):
        what = pen.say("drift_fallen")
    else:
        what = pen.say("drift_nothing" if drift.verdict == "stable" else "drift_others")
    do = pen.say(f"do_{drift.verdict}")
    change = change_of(drift.relative_harm, pen)
    return (
        pen.say("drift_head", what=what, change=change, do=do)
        if change
        else pen.say("drift_head_bare", what=what, do=do)
    )


def sentences(drift: Drift, pen: Pen) -> list[str]:
    """The reasons of a table's verdict."""
    return [_reason(one, drift, pen) for one in drift.reasons]


def _reason(one: Reason, drift: Drift, pen: Pen) -> str:
    told = dict(one.values)
    if "names" in told:
        names = [pen.text(name, 40).text for name in told["names"][:_MOST_NAMES]]
        told["names"] = ", ".join(names) + (", …" if len(told["names"]) > _MOST_NAMES else "")
    for share in ("share", "before", "now"):
        if share in told:
            told[share] = pen.percent(told[share]).text
    for number in ("psi", "chance"):
        if number in told:
            told[number] = pen.fixed(told[number]).text
    for count in ("rows", "least", "columns", "count"):
        if count in told:
            told[count] = pen.count(told[count]).text
    if "auc" in told:
        told["auc"] = pen.interval(told["auc"], "fixed").text
    how = "money" if one.code == "fallen_cost_per_thousand" else "fixed"
    told |= {name: pen.interval(told[name], how).text for name in ("promised", "realised") if name in told}
    told |= {"change": change_of(drift.relative_harm, pen) or "–"}
    told |= {"per_thousand": signed(drift.harm, pen), "currency": pen.currency}
    return pen.say(f"reason_{one.code}", **told)


def moved_in_words(one: ColumnDrift, pen: Pen) -> str:
    """What became of a column."""
    return "; ".join(_moved(reason, pen) for reason in one.reasons) or pen.say("moved_not")


def _moved(one: Reason, pen: Pen) -> str:
    told = dict(one.values)
    if one.code == "mean":
        told |= {"before": pen.number(told["before"]).text, "now": pen.number(told["now"]).text}
        told["deviations"] = _sign(told["deviations"], pen, "{:+.2f}")
    elif one.code == "variance":
        told["ratio"] = pen.number(short(told["ratio"])).text
    elif one.code == "psi":
        told = {name: pen.fixed(value).text for name, value in told.items()}
    elif one.code == "bin":
        told |= {"cell": _bin(told["low"], told["high"], pen)}
        told |= {name: pen.percent(told[name]).text for name in ("before", "now")}
    elif one.code == "season":
        told["windows"] = pen.count(told["windows"]).text
    elif one.code == "frozen":
        value = told["value"]
        told["value"] = pen.number(value).text if isinstance(value, float) else _quoted(value, pen)
    else:
        told |= {name: pen.percent(told[name]).text for name in ("before", "now") if name in told}
        told |= {"level": _quoted(told["level"], pen)} if "level" in told else {}
    return pen.say(f"moved_{one.code}", **told)


def _quoted(text: str | None, pen: Pen) -> str:
    """A value of a table; personal ones are not told."""
    return pen.say("moved_personal") if text is None else pen.text(text, 40).text


def _bin(low: float | None, high: float | None, pen: Pen) -> str:
    """A bin by its ends."""
    ends = {name: pen.number(short(end)).text for name, end in (("low", low), ("high", high)) if end is not None}
    return pen.say("cell_above" if high is None else "cell_up_to" if low is None else "cell_between", **ends)


def short(value: float) -> float:
    """A number of three digits."""
    return float(f"{value:.3g}")


def change_of(interval: Interval, pen: Pen) -> str:
    """+4.1 % [+1.0, +8.2]."""
    if not math.isfinite(interval.value):
        return ""
    ends = _between(pen).join(_sign(one * 100, pen, "{:+,.1f}") for one in (interval.low, interval.high))
    return f"{_sign(interval.value * 100, pen, '{:+,.1f}')}\N{NO-BREAK SPACE}% [{ends}]"


def signed(interval: Interval, pen: Pen) -> str:
    """+120 [+80, +160]."""
    if not math.isfinite(interval.value):
        return "–"
    ends = _between(pen).join(_amount(one, pen) for one in (interval.low, interval.high))
    return f"{_amount(interval.value, pen)} [{ends}]"


def _amount(value: float, pen: Pen) -> str:
    return _sign(value, pen, "{:+,.0f}" if abs(value) >= 100 else "{:+.3g}")


def _between(pen: Pen) -> str:
    return "\N{NO-BREAK SPACE}; " if pen.language == "fr" else ", "


def _sign(value: float | None, pen: Pen, form: str) -> str:
    return "–" if value is None else written(form.format(value), pen.language)


def pair(before: float, now: float, pen: Pen) -> Value:
    """Two shares, before and now."""
    return Value(f"{pen.percent(before).text} → {pen.percent(now).text}", [before, now])
