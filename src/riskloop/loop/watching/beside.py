"""What is told beside the drift of a table: segments, groups, and whether a classifier tells the rows apart."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, time
from typing import Any

import numpy as np

from riskloop.bundle.bundle import Bundle
from riskloop.data.contract import Columns, did_you_mean
from riskloop.errors import UsageError
from riskloop.learn.telling_apart import ToldApart, tell_apart
from riskloop.loop.project import Project
from riskloop.loop.watching.folding import Base, Slice, by_period, together
from riskloop.loop.watching.reference_rows import ReferenceRows, by_level, earlier_rows, training_rows
from riskloop.loop.watching.runs import SegmentDrift, judged_segments
from riskloop.loop.watching.seen import Seen
from riskloop.watch.column_drift import Reason, Verdict
from riskloop.watch.drift import Drift
from riskloop.watch.groups import GroupRate, rates_over_time
from riskloop.watch.profile import Profile
from riskloop.watch.windows import Period, window_of

STRONGLY_DIFFERENT = 0.65
"""ROC-AUC of the classifier from which the table has drifted."""


@dataclass(frozen=True, slots=True)
class Classified:
    """What a classifier said, and of which rows.

    Attributes
    ----------
    told : ToldApart or None
        None where ``origin`` says why.
    origin : str
        The reference rows: ``training``, ``ledger``; ``unreachable`` where there are none, ``few_rows`` where too few.
    """

    told: ToldApart | None
    origin: str

    def to_dict(self) -> dict[str, Any]:
        """Plain JSON values."""
        return {"reference": self.origin, **({} if self.told is None else self.told.to_dict())}


@dataclass(frozen=True)
class Beside:
    """What is told beside the drift of a table.

    Attributes
    ----------
    project : Project
    version : int
    bundle : Bundle
    reference : Profile
    """

    project: Project
    version: int
    bundle: Bundle
    reference: Profile

    def groups(self, slices: Sequence[Slice], by: Period | None) -> tuple[GroupRate, ...]:
        """Favourable decisions by protected attribute, window by window; without a period, in one."""
        if not any(one.groups for one in slices):
            return ()
        limits = self.project.settings.fairness
        windows = by_period(slices, by) if by else [*slices]
        if not by and windows:
            whole = windows[0]
            for one in windows[1:]:
                whole = whole.merge(one)
            windows = [whole]
        counted = [(one.window, one.groups) for one in windows]
        return rates_over_time(counted, favourable=limits.favourable, least=limits.minimum_rows)

    def segments(
        self, column: str, levels: dict[str, list[Slice]], before: datetime | None = None
    ) -> tuple[SegmentDrift, ...]:
        """Every level of a column beside reference rows of that level; without such rows, none is judged."""
        found = {level: together(parts) for level, parts in levels.items()}
        current = {level: one.profile for level, one in found.items() if one is not None}
        days = {level: [one.profile for one in by_period(parts, "day")] for level, parts in levels.items()}
        rows = self._reference_rows(before)
        references = {} if rows is None else by_level(self.bundle, self.reference, rows, column)
        return judged_segments(column, references, current, self.project.settings.monitoring.thresholds(), days)

    def classifier(self, seen: Seen, before: datetime | None = None) -> Classified:
        """Whether a classifier tells the rows seen from reference rows."""
        rows = self._reference_rows(before)
        if rows is None:
            return Classified(None, "unreachable")
        columns, days = sampled(seen)
        kept = {name: values for name, values in columns.items() if name not in seen.lacking}
        told = tell_apart(self.bundle.contract, rows.columns, kept, days=days)
        return Classified(told, rows.origin if told else "few_rows")

    def _reference_rows(self, before: datetime | None) -> ReferenceRows | None:
        found = training_rows(self.project, self.bundle)
        if found is None and before is not None:
            found = earlier_rows(self.project, self.version, self.bundle, before)
        return found


def sampled(seen: Seen) -> tuple[Columns, np.ndarray | None]:
    """The rows kept for a classifier, and their days."""
    if not seen.sampled:
        return {}, None
    names = seen.sampled[0][0]
    columns = {name: np.concatenate([part[name] for part, _ in seen.sampled]) for name in names}
    days = [when for _, when in seen.sampled if when is not None]
    return columns, np.concatenate(days) if len(days) == len(seen.sampled) else None


def slices_of(seen: Seen, now: datetime) -> list[Slice]:
    """The rows of a batch by the day of their event time; without one, as of now."""
    if not seen.days:
        return [Slice(window_of(now, "day"), seen.current(), seen.groups.get(None, {}))]
    made = []
    for day, profile in sorted(seen.days.items()):
        window = window_of(datetime.combine(day, time(), UTC), "day")
        made.append(Slice(window, profile, seen.groups.get(day, {})))
    return made


def base_of(by: Period | None) -> Base:
    """What windows of a period are made of."""
    return "hour" if by == "hour" else "day"


def segment_of(bundle: Bundle, column: str | None) -> str | None:
    """The column, if customers can be told apart by its levels.

    Raises
    ------
    UsageError
        If it is no category column of the contract, or holds personal data.
    """
    if column is None:
        return None
    categories = [one.name for one in bundle.contract.read if one.type == "category" and not one.personal]
    if column not in categories:
        raise UsageError(
            f"{column!r} is no category column of the contract{did_you_mean(column, categories)}.",
            where="--segment",
            next_step=f"choose one of {', '.join(categories)}" if categories else "the contract has none",
        )
    return column


def raised(
    found: Drift,
    segments: Sequence[SegmentDrift],
    groups: Sequence[GroupRate],
    classifier: Classified | None,
) -> Drift:
    """The drift with the reasons that segments, groups and a classifier add."""
    moved = [one.level for one in segments if one.drift is not None and one.drift.drifted]
    if moved:
        column = segments[0].column
        found = _with(found, Reason("segments_moved", {"column": column, "count": len(moved), "names": moved}), "watch")
    adverse = [one for one in groups if one.adverse]
    if adverse:
        names = list(dict.fromkeys(f"{one.attribute} {one.level}" for one in adverse))
        found = _with(found, Reason("adverse_groups", {"count": len(names), "names": names}), "watch")
    if classifier is not None and classifier.told is not None and classifier.told.different:
        told = classifier.told
        values = {"auc": told.roc_auc.to_dict(), "names": [name for name, _ in told.columns]}
        strongly = told.roc_auc.value >= STRONGLY_DIFFERENT
        found = _with(found, Reason("told_apart", values), "drifted" if strongly else "watch")
    return found


def _with(found: Drift, reason: Reason, verdict: Verdict) -> Drift:
    if found.reasons and found.reasons[0].code == "few_rows":
        return found
    order: tuple[Verdict, ...] = ("stable", "watch", "drifted")
    worse = max(found.verdict, verdict, key=order.index)
    kept = tuple(one for one in found.reasons if one.code != "nothing_moved")
    return replace(found, verdict=worse, reasons=(reason, *kept) if verdict == "drifted" else (*kept, reason))
