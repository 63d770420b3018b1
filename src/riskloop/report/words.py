"""Every word of the reports, in one place per language, and how numbers are written."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping

Say = Callable[..., str]

ENGLISH: Mapping[str, str] = {
    "language": "en",
    "skip": "Skip to the report",
    "generated": "Data report, made {when}",
    "contents": "Contents",
    "overview": "Overview",
    "rows": "Rows",
    "rows_note": "{kept} kept, {quarantined} set aside by the quality gate",
    "columns": "Columns",
    "columns_note": "{features} features: {numbers} numbers, {categories} categories",
    "positives": "Positives",
    "positives_note": "{target} is {positive}",
    "positives_comparison": "{target}",
    "rate": "Target rate",
    "rate_note": "95% interval {low} to {high}",
    "findings_tile": "Findings",
    "findings_note": "{errors} errors, {warnings} warnings, {infos} notes",
    "split": "How to split",
    "split_time": "By event time (training.split: time): the test block is the latest part, as in use.",
    "split_row_order": (
        "If the rows are in time order, by that order (training.split: row_order): the target rate follows it, and a "
        "split at random would judge the model on times it has already seen."
    ),
    "split_random": "At random, stratified (training.split: random): the target rate does not follow the row order.",
    "split_groups": "{repeated} rows share a customer, or every feature, with another row: such rows stay on one side.",
    "sampled_auc": "ROC-AUC is computed over a random {rows} of them.",
    "sampled_associations": "Associations are computed over a random {rows} of them.",
    "computed": "Counts, rates and statistics are over all {rows} kept rows.",
    "settings": "Settings",
    "fingerprint": "Fingerprint of the data (sha256)",
    "findings": "Findings",
    "findings_more": "{count} more findings are in data.json.",
    "no_findings": "Nothing was found to be wrong.",
    "severity": "Severity",
    "column": "Column",
    "found": "What is wrong",
    "next_step": "What to do",
    "error": "Error",
    "warning": "Warning",
    "info": "Note",
    "whole_table": "the table",
    "glance": "Features at a glance",
    "glance_note": (
        "ROC-AUC alone says how much a feature knows by itself: 0.5 is nothing, 1 is everything. Above 0.95, make sure "
        "that it is known before the decision."
    ),
    "glance_more": "{count} more features are in data.json.",
    "feature": "Feature",
    "type": "Type",
    "number": "number",
    "category": "category",
    "date": "date",
    "missing": "Missing",
    "distinct": "Distinct",
    "alone": "ROC-AUC alone",
    "features": "Features by target",
    "features_note": (
        "Dots are the target rate of each group with its 95% interval (Wilson), the dashed line is the rate of all "
        "rows, bars count rows."
    ),
    "features_more": "The {shown} features that know most are drawn; the other {count} are in data.json.",
    "nothing": "No cell is filled.",
    "feature_chart": (
        "{name}: target rate and number of rows by value. The rate goes from {low} ({low_group}) to {high} "
        "({high_group}); all rows: {rate}."
    ),
    "group_table": "Figures of {name}",
    "figures": "Figures",
    "group": "Group",
    "interval": "95% interval",
    "all_missing": "missing",
    "unknown": "not in the contract",
    "rest": "{count} other levels",
    "below": "below {value}",
    "from": "from {value}",
    "between": "{low} to below {high}",
    "mean": "Mean",
    "std": "Std. deviation",
    "range": "Range",
    "quartiles": "Quartiles",
    "zeros": "Zeros",
    "levels_unused": "Levels without rows",
    "association": "Features that go together",
    "association_note": (
        "Two numbers: Spearman's rank correlation. A category with a category, or with a number cut at its deciles: "
        "Cramér's V, corrected for bias. Features close to 1 say nearly the same thing."
    ),
    "association_most": "Only the {count} features that know most by themselves are compared.",
    "no_pairs": "No two features go together noticeably (all below {least}).",
    "first": "Feature",
    "second": "goes with",
    "measure": "Measure",
    "strength": "Strength",
    "spearman": "Spearman",
    "cramers_v": "Cramér's V",
    "pairs": "Strongest pairs",
    "map": "Map of all pairs",
    "map_note": "A column reads downwards from the name at its upper end. The darker, the stronger.",
    "map_chart": "Association of {count} features with each other; the strongest pairs are listed above.",
    "time": "Target rate over time",
    "time_period": "By event time.",
    "time_time_order": "In {count} blocks of equal size, by event time; a block is named after its first day.",
    "time_row_order": "In {count} blocks of equal size, in the order of the table: it has no event time.",
    "time_steady": "All intervals overlap: the rate is steady.",
    "time_moves": "The rate moves from {low} ({low_group}) to {high} ({high_group}).",
    "time_chart": "Target rate by block, from {low} ({low_group}) to {high} ({high_group}); all rows: {rate}.",
    "block": "Block",
    "together": "Missing together",
    "together_note": "Sets of columns that are missing in the same rows, and no others with them.",
    "together_columns": "Columns",
    "share": "Share",
    "and_more": "and {count} more",
    "others": "Columns that are not features",
    "role": "Role",
    "role_target": "target",
    "role_id": "customer",
    "role_time": "event time",
    "role_sensitive": "sensitive: audited, never used",
    "role_unavailable": "not known at the decision",
    "role_other": "not used",
    "footer": "Made by riskloop. This page is one file: it loads nothing and sends nothing.",
}
LANGUAGES: Mapping[str, Mapping[str, str]] = {"en": ENGLISH}


def speak(language: str = "en") -> Say:
    """A function from a key and its values to a sentence in the language."""
    words = LANGUAGES[language]

    def say(key: str, **values: object) -> str:
        return words[key].format(**values)

    return say


def shown(text: str, longest: int = 60) -> str:
    """Text from a table in one line: nothing invisible, at most ``longest`` characters, shortened in the middle."""
    line = " ".join(text.split())
    line = "".join(character if character.isprintable() else "\N{REPLACEMENT CHARACTER}" for character in line)
    if len(line) <= longest:
        return line
    tail = (longest - 1) // 3
    return f"{line[: longest - 1 - tail]}…{line[len(line) - tail :]}"


def number(value: float | None) -> str:
    """A number with about four digits: 1,234,567 or 0.01234; a dash where there is none."""
    if value is None or math.isnan(value):
        return "–"
    if value == 0:
        return "0"
    size = abs(value)
    if size >= 1e9 or size < 1e-4:
        return f"{value:.3g}"
    if size >= 1000 or value == round(value):
        return f"{value:,.0f}"
    return f"{value:.4g}"


def percent(share: float | None) -> str:
    """A share as a percentage that keeps small ones apart from nothing."""
    if share is None or math.isnan(share):
        return "–"
    size = abs(share)
    if size in (0, 1):
        return f"{share:.0%}"
    if size < 0.0001:
        return "<0.01%"
    return f"{share:.2%}" if size < 0.01 else f"{share:.1%}"
