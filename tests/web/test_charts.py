from __future__ import annotations

import re
from xml.etree import ElementTree

import pytest

from riskloop.web.charts import Axis, Columns, Line, Mark, bar, both_ways, columns, lines, nice, scale

HOSTILE = '"><script>'


def _parsed(markup: str) -> ElementTree.Element:
    return ElementTree.fromstring(f"<div>{markup}</div>")


def test_names_cannot_leave_their_place() -> None:
    x, y = Axis(HOSTILE, 0, 1, str), Axis(HOSTILE, 0, 1, lambda value: HOSTILE)
    drawn = lines([Line(HOSTILE, [0, 1], [0, 1])], x, y, HOSTILE, [Mark(HOSTILE, 0.5)])
    bars = columns([Columns(HOSTILE, [1.0]), Columns("b", [2.0])], [HOSTILE], y, HOSTILE, x_name=HOSTILE)
    for markup in (drawn, bars, scale(0.5, 0.1, 0.4, 0.6, HOSTILE)):
        assert "<script" not in markup
        assert [one.get("aria-label") for one in _parsed(markup).iter() if one.get("role") == "img"] == [HOSTILE]


@pytest.mark.parametrize(("low", "high", "ticks"), [(0, 1, [0, 0.25, 0.5, 0.75, 1]), (0, 970, [0, 250, 500, 750])])
def test_ticks_are_round(low: float, high: float, ticks: list[float]) -> None:
    assert nice(low, high) == ticks


def test_an_axis_without_length_has_one_tick() -> None:
    assert nice(3, 3) == [3]


def test_what_is_not_there_is_not_drawn() -> None:
    y = Axis("", 0, 1, str)
    drawn = lines([Line("a", [0, 1, 2, 3], [0.1, float("nan"), 0.3, 0.4])], Axis("", 0, 3, str), y, "said")
    assert "nan" not in drawn
    path = re.search(r'class="line a" d="([^"]+)"', drawn)
    assert path
    assert path[1].count("M") == 2, "the line is broken where there is no value"


def test_bars_stay_within_their_cell() -> None:
    for share in (-0.5, 0.0, 0.5, 7.0, float("nan")):
        widths = [float(one) for one in re.findall(r'width="([\d.]+)" height="10" rx="2"/>', bar(share))]
        assert all(0 <= width <= 100 for width in widths)
    assert 'class="bar down"' in both_ways(-0.3)
    assert 'class="bar up"' in both_ways(0.3)
