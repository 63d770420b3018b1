from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

from hypothesis import given, settings
from hypothesis import strategies as st

from riskloop.keep.chain import Event, Head, Kind, Promotion, ReleaseState, link, release_state, verify_chain

START = datetime(2026, 11, 21, tzinfo=UTC)


def chained(*done: tuple[Kind, int]) -> list[Promotion]:
    log: list[Promotion] = []
    for number, (kind, version) in enumerate(done):
        at = START + timedelta(hours=number)
        event = Event(kind, version, f"digest-{version}", "ana", "because", at, details={"n": number})
        log.append(link(event, log[-1] if log else None, release_state(log).champion))
    return log


FIVE = chained(("promoted", 1), ("promoted", 2), ("challenged", 3), ("promoted", 3), ("rolled_back", 2))

_events = st.lists(
    st.tuples(st.sampled_from(["promoted", "overridden", "challenged", "withdrawn", "requested"]), st.integers(0, 5)),
    max_size=12,
)


def test_an_empty_log_has_no_champion_and_verifies() -> None:
    assert release_state([]) == ReleaseState()
    assert verify_chain([]).ok


def test_an_untouched_chain_verifies() -> None:
    result = verify_chain(FIVE, Head(5, FIVE[-1].hash))
    assert (result.ok, result.checked) == (True, 5)


@given(place=st.integers(0, 4), name=st.sampled_from([f for f in Promotion.__dataclass_fields__ if f != "hash"]))
def test_an_edit_of_any_field_of_any_event_is_found_at_its_place(place: int, name: str) -> None:
    other = {
        "at": START - timedelta(days=1),
        "details": {"n": -1},
        "version": 99,
        "previous_version": 99,
        "seq": 99,
    }
    edited = [*FIVE]
    edited[place] = replace(edited[place], **{name: other.get(name, "changed")})  # type: ignore[arg-type]
    result = verify_chain(edited)
    assert (result.ok, result.first_broken_seq) == (False, place + 1)


def test_an_edit_that_recomputes_its_own_hash_breaks_the_next_link() -> None:
    edited = replace(FIVE[1], actor="mallory")
    edited = replace(edited, hash=edited.expected_hash())
    result = verify_chain([FIVE[0], edited, *FIVE[2:]])
    assert (result.ok, result.first_broken_seq) == (False, 3)


@given(place=st.integers(0, 3))
def test_a_deleted_event_is_missed(place: int) -> None:
    result = verify_chain(FIVE[:place] + FIVE[place + 1 :])
    assert (result.ok, result.first_broken_seq) == (False, place + 1)
    assert result.why is not None


def test_two_events_that_change_places_are_found() -> None:
    first, second = replace(FIVE[2], seq=2), replace(FIVE[1], seq=3)
    result = verify_chain([FIVE[0], first, second, *FIVE[3:]])
    assert (result.ok, result.first_broken_seq) == (False, 2)


def test_a_cut_tail_shows_only_against_a_head_kept_elsewhere() -> None:
    assert verify_chain(FIVE[:3]).ok
    result = verify_chain(FIVE[:3], Head(5, FIVE[-1].hash))
    assert (result.ok, result.first_broken_seq, result.why) == (False, 4, "the events after this place were cut off")


def test_a_chain_rewritten_to_its_end_shows_only_against_a_head_kept_elsewhere() -> None:
    rewritten = chained(("promoted", 1), ("promoted", 9), ("challenged", 3), ("promoted", 3), ("rolled_back", 9))
    assert verify_chain(rewritten).ok
    assert not verify_chain(rewritten, Head(5, FIVE[-1].hash)).ok


def test_a_head_kept_earlier_still_proves_a_longer_log() -> None:
    assert verify_chain(FIVE, Head(3, FIVE[2].hash)).ok
    assert verify_chain(FIVE, Head()).ok


def test_a_second_rollback_goes_one_further_back() -> None:
    log = chained(("promoted", 1), ("promoted", 2), ("promoted", 3))
    assert release_state(log).previous == 2
    log = chained(("promoted", 1), ("promoted", 2), ("promoted", 3), ("rolled_back", 2))
    assert (release_state(log).champion, release_state(log).previous) == (2, 1)
    log = chained(("promoted", 1), ("promoted", 2), ("promoted", 3), ("rolled_back", 2), ("rolled_back", 1))
    assert (release_state(log).champion, release_state(log).previous) == (1, None)


def test_a_version_that_led_twice_is_gone_back_to_one_step_at_a_time() -> None:
    log = chained(("promoted", 1), ("promoted", 2), ("promoted", 1), ("promoted", 3), ("rolled_back", 1))
    assert (release_state(log).champion, release_state(log).previous) == (1, 2)


def test_rolling_forward_to_what_was_rolled_back_from_keeps_a_way_back() -> None:
    log = chained(("promoted", 1), ("promoted", 2), ("rolled_back", 1), ("rolled_back", 2))
    assert (release_state(log).champion, release_state(log).previous) == (2, 1)


def test_a_challenger_stands_until_it_is_withdrawn_or_leads() -> None:
    assert release_state(chained(("promoted", 1), ("challenged", 2))).challenger == 2
    assert release_state(chained(("promoted", 1), ("challenged", 2), ("withdrawn", 2))).challenger is None
    assert release_state(chained(("promoted", 1), ("challenged", 2), ("promoted", 2))).challenger is None
    assert release_state(chained(("promoted", 1), ("challenged", 2), ("promoted", 3))).challenger == 2


@settings(deadline=None)
@given(_events)
def test_promoting_and_rolling_back_restores_the_release(done: list[tuple[Kind, int]]) -> None:
    before = release_state(chained(*done))
    if before.champion is None:
        return
    after = release_state(chained(*done, ("promoted", 6), ("rolled_back", before.champion)))
    assert (after.champion, after.previous) == (before.champion, before.previous)


@settings(deadline=None)
@given(_events)
def test_every_log_made_link_by_link_verifies(done: list[tuple[Kind, int]]) -> None:
    assert verify_chain(chained(*done)).ok
