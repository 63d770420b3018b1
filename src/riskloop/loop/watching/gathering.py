"""A dataset in partitions on its way to one profile: counted wherever workers are, added up here."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, fields
from datetime import date
from functools import partial

from riskloop.costs import BoolArray, FloatArray
from riskloop.data.contract import Columns
from riskloop.data.partitions import ROWS, Partition, cut
from riskloop.engines.engine import Engine
from riskloop.loop.posting import Post
from riskloop.loop.watching.seen import Groups, IntArray, Seen
from riskloop.watch.profile import Profile


@dataclass(frozen=True)
class Plan:
    """What a worker is told to look for; see `riskloop.loop.watching.seen.Seen`."""

    post: Post
    sample: int
    segment: str | None
    most_days: int


@dataclass(frozen=True, eq=False)
class Gathered:
    """What was seen of a partition, to be sent: counts, and 27 bytes of each row that was decided about.

    Attributes are those of `riskloop.loop.watching.seen.Seen`.
    """

    profile: Profile | None
    rows: int
    decided: int
    lacking: set[str]
    probability: list[FloatArray]
    act: list[BoolArray]
    costs: list[tuple[FloatArray, FloatArray]]
    outcome: list[BoolArray]
    known: list[BoolArray]
    days: dict[date, Profile]
    groups: dict[date | None, Groups]
    levels: dict[str, Profile]
    sampled: list[tuple[Columns, IntArray | None]]

    @classmethod
    def of(cls, seen: Seen) -> Gathered:
        """What those that have seen a part of the rows have gathered."""
        return cls(**{one.name: getattr(seen, one.name) for one in fields(cls)})


def gather(
    seen: Seen,
    post: Post,
    dataset: str,
    engine: Engine,
    *,
    rows: int = ROWS,
    progress: Callable[[int], None] = lambda _rows: None,
) -> None:
    """Add what a Parquet dataset holds to what was seen, in the order of its rows.

    Counts are those of `Seen.frame` over the whole table; sums of floats may differ in their last bits, as they are
    added in other groups.

    Parameters
    ----------
    seen : Seen
        Without rows.
    post : Post
        Of the same bundle.
    dataset : str
        A folder or glob of Parquet files.
    progress : callable
        Told the number of rows that are done.

    Raises
    ------
    DataError
        If a file cannot be read, or lacks a column of the contract.
    """
    plan = Plan(post, seen.sample, seen.segment, seen.most_days)
    waiting: dict[int, Gathered] = {}
    following = done = 0
    for place, gathered in engine.each(partial(gather_partition, plan), cut(dataset, rows)):
        waiting[place] = gathered
        done += gathered.rows
        progress(done)
        while following in waiting:
            seen.add(waiting.pop(following))
            following += 1


def gather_partition(plan: Plan, partition: Partition) -> Gathered:
    """What there is to see in a partition, where a worker is."""
    project, bundle = plan.post.open()
    problem = project.settings.problem.problem()
    seen = Seen(
        bundle,
        Profile.from_dict(bundle.profile),
        sample=plan.sample,
        sensitive=problem.sensitive,
        segment=plan.segment,
        most_days=plan.most_days,
        most=partition.rows,  # which of them are kept is decided where they come together
    )
    seen.frame(partition.read(), problem)
    return Gathered.of(seen)
