from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from riskloop.web.formats import Formats

EN, FR = Formats("en"), Formats("fr")
NARROW, HARD = "\N{NARROW NO-BREAK SPACE}", "\N{NO-BREAK SPACE}"


def test_numbers_are_written_as_the_language_does() -> None:
    assert EN.count(1234567) == "1,234,567"
    assert FR.count(1234567) == f"1{NARROW}234{NARROW}567"
    assert EN.number(0.012345) == "0.0123"
    assert FR.number(21.83) == "21,83"


@pytest.mark.parametrize(("value", "english", "french"), [(0.285, "28.5%", f"28,5{HARD}%"), (1, "100%", f"100{HARD}%")])
def test_shares(value: float, english: str, french: str) -> None:
    assert (EN.share(value), FR.share(value)) == (english, french)


def test_money_is_whole_from_a_hundred_on() -> None:
    assert EN.money(7.225, "EUR") == "€7.22"
    assert EN.money(41797.4, "EUR") == "€41,797"
    assert FR.money(41797.4, "EUR") == f"41{NARROW}797{HARD}€"
    assert EN.money(-3.5, "EUR") == "-€3.50"
    assert EN.money(12, "points") == f"12{HARD}points"


def test_what_is_not_there_is_a_dash() -> None:
    for write in (EN.count, EN.number, EN.share, EN.three, EN.plain, EN.signed):
        assert write(None) == "–"
    assert EN.money(float("nan"), "EUR") == "–"
    assert EN.moment(None) == "–"


def test_times_are_in_utc() -> None:
    at = datetime(2026, 3, 1, 14, 5, tzinfo=UTC)
    assert EN.moment(at) == f"1 Mar 2026, 14:05{HARD}UTC"
    assert FR.moment(at) == f"1 mars 2026, 14:05{HARD}UTC"
    assert EN.ago(at, at + timedelta(days=3)) == "3 days ago"
    assert FR.lasting(at, at + timedelta(days=3)) == f"3{HARD}jours"


def test_intervals_in_french_are_not_parted_by_the_decimal_mark() -> None:
    assert EN.interval(0.1, 0.2, EN.share) == "[10.0%, 20.0%]"
    assert FR.interval(0.1, 0.2, FR.share) == f"[10,0{HARD}%; 20,0{HARD}%]"


def test_nothing_has_no_sign() -> None:
    assert EN.fixed(-0.00001, 3) == "0.000"
    assert EN.signed(-0.001) == "+0.00"
    assert EN.signed(-0.5) == "-0.50"
