"""The experiment report: what a challenger saves, day by day, who counts, and by which terms."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from riskloop.report.documents.drawing import Series, Tick, lines, nice
from riskloop.report.documents.pen import Pen
from riskloop.report.documents.tree import (
    Block,
    Column,
    Completeness,
    Document,
    Fact,
    Facts,
    Figure,
    Said,
    Section,
    Source,
    Table,
    Value,
)
from riskloop.report.words import Language
from riskloop.watch.experiment import Look

SCHEMA = "riskloop/experiment-report/1"
_MOST_DAYS = 400


@dataclass(frozen=True)
class Compared:
    """What an experiment report is about.

    Attributes
    ----------
    title : str
        The project.
    champion, challenger : int
    digest, log : str
        SHA-256 of the challenger's bundle, and of the head of the promotion log.
    currency : str
    since, generated : datetime
    looks : tuple of Look
    raw : mapping
        Everything that `riskloop ab status --json` says of the comparison.
    """

    title: str
    champion: int
    challenger: int
    digest: str
    log: str
    currency: str
    since: datetime
    generated: datetime
    looks: tuple[Look, ...]
    raw: Mapping[str, Any]

    @property
    def source(self) -> Source:
        return Source({"bundle": self.digest, "log": self.log})


def experiment_report(compared: Compared, language: Language = "en") -> Document:
    """Everything `riskloop ab status` found, the verdict first."""
    pen = Pen(language, compared.currency)
    sections = (_verdict(compared, pen), _days(compared, pen), _counted(compared, pen), _terms(compared, pen))
    return Document(
        schema=SCHEMA,
        title=pen.say(
            "experiment_title", name=compared.title, champion=compared.champion, challenger=compared.challenger
        ),
        subtitle=pen.say(
            "experiment_subtitle", since=pen.moment(compared.since).text, when=pen.moment(compared.generated).text
        ),
        language=language,
        generated=compared.generated,
        version=compared.challenger,
        digest=compared.digest,
        sections=sections,
        completeness=Completeness(0, 0, {}),
        notice=pen.say("experiment_notice"),
        front={
            "kind": "experiment-report",
            "language": language,
            "created": compared.generated.isoformat(),
            "version": compared.challenger,
            "verdict": compared.raw["verdict"],
        },
        more={"experiment": dict(compared.raw)},
    )


def in_words(raw: Mapping[str, Any], pen: Pen) -> list[str]:
    """The verdict in a sentence or two, in the pen's currency; ``raw`` is what `ab status --json` says."""
    split = raw["sample_ratio"]
    if split["off"]:
        shares = {name: pen.percent(split[name]).text for name in ("found", "meant")}
        return [pen.say("experiment_off", **shares)]
    if raw["difference"] is None:
        return [pen.say("experiment_nothing")]
    found = raw["difference"]
    if raw["verdict"] == "promote":
        saves = {"value": -found["value"], "low": -found["high"], "high": -found["low"]}
        return [pen.say("experiment_promote", saves=pen.interval(saves, "money", unit=pen.currency).text)]
    costs = pen.interval(found, "money", unit=pen.currency).text
    told = [pen.say(f"experiment_{raw['verdict']}", costs=costs)]
    more = raw["days_more"]
    if more is not None and more <= 730:
        told.append(pen.say("experiment_more", days=pen.count(max(1, round(more))).text))
    return told


def _verdict(compared: Compared, pen: Pen) -> Section:
    raw = compared.raw
    facts = (
        pen.fact("assigned", _two(raw["assigned"], pen)),
        pen.fact("told", _two(raw["told"], pen)),
        pen.fact("differing", pen.count(raw["differing"])),
    )
    said = tuple(pen.sentence(text) for text in in_words(compared.raw, pen))
    blocks: tuple[Block, ...] = (Said(said, compared.source), Facts(facts, compared.source, large=True))
    return Section("verdict", pen.say("experiment_verdict_title"), blocks)


def _two(both: list[int], pen: Pen) -> Value:
    return Value(f"{pen.count(both[0]).text} / {pen.count(both[1]).text}", both)


def _days(compared: Compared, pen: Pen) -> Section:
    looks = compared.looks[-_MOST_DAYS:]
    heads = ("col_until", "col_customers", "col_champion", "col_challenger", "col_difference")
    rows = tuple(
        (
            pen.text(look.day.isoformat()),
            pen.count(sum(look.customers)),
            pen.money(look.cost[0]),
            pen.money(look.cost[1]),
            pen.interval(look.difference.to_dict(), "money", unit=compared.currency),
        )
        for look in looks
    )
    columns = tuple(Column(pen.say(key), key != "col_until") for key in heads)
    table = Table("days", pen.say("experiment_table"), columns, rows, compared.source)
    blocks: tuple[Block, ...] = (_figure(compared, pen), table) if len(looks) > 1 else (table,)
    return Section("days", pen.say("experiment_days_title"), blocks)


def _figure(compared: Compared, pen: Pen) -> Figure:
    """The sequence; the axis leaves out its first quarter, since it begins as wide as costs can be apart."""
    looks = compared.looks[-_MOST_DAYS:]
    late = looks[len(looks) // 4 :]
    low = min(0.0, *(look.difference.low for look in late))
    high = max(0.0, *(look.difference.high for look in late))
    last = len(looks) - 1
    drawn = (("value", "kept"), ("low", "act_on_none"), ("high", "act_on_none"))
    series = [
        Series(pen.say(f"experiment_{end}"), kind, [(at, getattr(one.difference, end)) for at, one in enumerate(looks)])
        for end, kind in drawn
    ]
    return Figure(
        "sequence",
        pen.say("experiment_figure"),
        pen.say("experiment_figure_says", count=pen.count(len(looks)).text),
        compared.source,
        lines(
            series,
            [Tick(at, looks[at].day.isoformat()) for at in sorted({0, last // 2, last})],
            [Tick(at, pen.plain(at, "brief")) for at in nice(low, high)],
            titles=(pen.say("experiment_across"), pen.say("experiment_up", money=compared.currency)),
        ),
    )


def _counted(compared: Compared, pen: Pen) -> Section:
    raw = compared.raw
    facts = (
        pen.fact("split_found", pen.percent(raw["sample_ratio"]["found"])),
        pen.fact("split_p", pen.fixed(raw["sample_ratio"]["p_value"])),
        *(pen.fact(key, pen.count(raw[key])) for key in ("mixed", "fallback", "left_out", "otherwise")),
    )
    return Section("counted", pen.say("experiment_counted_title"), (Facts(facts, compared.source),))


def _terms(compared: Compared, pen: Pen) -> Section:
    terms = compared.raw["terms"]
    design = terms["design"]
    facts = (
        pen.fact("share_meant", pen.share(design["share"])),
        pen.fact("experiment_level", pen.share(design["level"])),
        pen.fact("compare", pen.words(f"compare_{terms['compare']}")),
        pen.fact("maturity_days", pen.number(terms["maturity_days"])),
        Fact("planned", pen.say("fact_customers_planned"), pen.count(design["planned"])),
        pen.fact("span", pen.money(design["span"])),
    )
    return Section("terms", pen.say("experiment_terms_title"), (Facts(facts, compared.source),))
