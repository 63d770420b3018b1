from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from itertools import chain as joined
from itertools import combinations
from math import factorial
from typing import Any

import numpy as np
import pytest
from lightgbm import LGBMClassifier
from sklearn.ensemble import HistGradientBoostingClassifier, RandomForestClassifier
from xgboost import XGBClassifier

from riskloop.learn.export.dispatch import export
from riskloop.scorer.forest import Forest
from riskloop.scorer.forest.attribution import ForestAttribution, attribution
from riskloop.scorer.forest.attribution.coalitions import deciding, shares_by_word

COLUMNS = 5


@pytest.fixture(scope="module")
def customers() -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(4)
    matrix = rng.normal(0, 1, (600, COLUMNS))
    matrix[::9, 0] = np.nan
    matrix[:, 4] = rng.integers(0, 5, 600)
    odds = matrix[:, 1] * np.nan_to_num(matrix[:, 0]) + (matrix[:, 4] % 2) + matrix[:, 2]
    return matrix, rng.random(600) < 1 / (1 + np.exp(-odds))


def fitted(kind: str, matrix: np.ndarray, outcome: np.ndarray) -> Forest:
    models: dict[str, Any] = {
        "lightgbm": LGBMClassifier(n_estimators=12, num_leaves=12, verbose=-1, min_child_samples=5),
        "xgboost": XGBClassifier(n_estimators=10, max_depth=4),
        "categories": HistGradientBoostingClassifier(max_iter=10, max_leaf_nodes=10, categorical_features=[4]),
        "random_forest": RandomForestClassifier(8, max_depth=5, random_state=1),
    }
    filled = np.nan_to_num(matrix) if kind == "random_forest" else matrix
    forest = export(models[kind].fit(filled, outcome))
    assert isinstance(forest, Forest)
    return forest


def by_definition(
    forest: Forest, player: np.ndarray, players: int, x: np.ndarray, background: np.ndarray
) -> np.ndarray:
    """Shapley values of the mean margin over the background, coalition by coalition."""

    def worth(members: tuple[int, ...]) -> float:
        mixed = np.where(np.isin(player, members), x, background)
        margin = forest.margin(mixed)
        return float((1 / (1 + np.exp(-margin)) if forest.average else margin).mean())

    shares = np.zeros(players)
    for one in range(players):
        others = [other for other in range(players) if other != one]
        for members in joined.from_iterable(combinations(others, size) for size in range(players)):
            weight = factorial(len(members)) * factorial(players - len(members) - 1) / factorial(players)
            shares[one] += weight * (worth((*members, one)) - worth(members))
    return shares


@pytest.mark.parametrize("kind", ["lightgbm", "xgboost", "categories", "random_forest"])
@pytest.mark.parametrize("player", [[0, 1, 2, 3, 4], [0, 1, 1, 2, 0]], ids=["columns", "sources of several columns"])
def test_shares_are_shapley_values(customers: tuple[np.ndarray, np.ndarray], kind: str, player: list[int]) -> None:
    matrix, outcome = customers
    forest = fitted(kind, matrix, outcome)
    of, background = np.array(player), np.nan_to_num(matrix[:15]) if kind == "random_forest" else matrix[:15]
    explained = ForestAttribution(forest, of, max(player) + 1, background)
    rows = np.nan_to_num(matrix[100:106]) if kind == "random_forest" else matrix[100:106]
    for x, shares in zip(rows, explained.shares(rows), strict=True):
        assert shares == pytest.approx(by_definition(forest, of, max(player) + 1, x, background), abs=2e-6)


@pytest.mark.parametrize("kind", ["lightgbm", "xgboost", "categories"])
def test_base_and_shares_add_up_to_the_margin(customers: tuple[np.ndarray, np.ndarray], kind: str) -> None:
    matrix, outcome = customers
    forest = fitted(kind, matrix, outcome)
    explained = ForestAttribution(forest, np.arange(COLUMNS), COLUMNS, matrix[:50])
    strange = matrix.copy()
    strange[:20, 4], strange[20:30] = 99, np.nan
    total = explained.base + explained.shares(strange).sum(axis=1)
    assert np.abs(total - forest.margin(strange)).max() < 2e-6
    assert explained.base == pytest.approx(forest.margin(matrix[:50]).mean(), abs=2e-6)


def test_one_row_and_many_get_the_same_shares(customers: tuple[np.ndarray, np.ndarray]) -> None:
    matrix, outcome = customers
    explained = ForestAttribution(fitted("lightgbm", matrix, outcome), np.arange(COLUMNS), COLUMNS, matrix[:30])
    together = explained.shares(matrix)
    assert all(np.array_equal(explained.shares(matrix[[row]])[0], together[row]) for row in range(0, 600, 37))


def test_threads_may_share_one(customers: tuple[np.ndarray, np.ndarray]) -> None:
    matrix, outcome = customers
    explained = ForestAttribution(fitted("lightgbm", matrix, outcome), np.arange(COLUMNS), COLUMNS, matrix[:30])
    alone = explained.shares(matrix)
    with ThreadPoolExecutor(4) as pool:
        assert all(np.array_equal(shares, alone) for shares in pool.map(explained.shares, [matrix] * 8))


@pytest.mark.parametrize("kind", ["lightgbm", "xgboost", "categories", "random_forest"])
@pytest.mark.parametrize("player", [[0, 1, 2, 3, 4], [0, 1, 1, 2, 0]], ids=["columns", "sources of several columns"])
@pytest.mark.parametrize("part", [0, 0.5], ids=["no memory", "half the memory"])
def test_with_less_memory_for_tables_shares_are_the_same(
    customers: tuple[np.ndarray, np.ndarray], kind: str, player: list[int], part: float, monkeypatch: pytest.MonkeyPatch
) -> None:
    matrix, outcome = customers
    forest = fitted(kind, matrix, outcome)
    rows = np.nan_to_num(matrix[:80]) if kind == "random_forest" else matrix[:80]
    with_tables = ForestAttribution(forest, np.array(player), max(player) + 1, rows[:70])
    monkeypatch.setattr(attribution, "MOST_BYTES", part * with_tables.nbytes)
    with_less = ForestAttribution(forest, np.array(player), max(player) + 1, rows[:70])
    assert with_less.nbytes <= part * with_tables.nbytes
    assert np.abs(with_less.shares(rows) - with_tables.shares(rows)).max() < 1e-12


def test_leaves_of_many_players_are_explained_too() -> None:
    rng = np.random.default_rng(2)
    matrix = rng.normal(size=(1500, 11))
    outcome = matrix.sum(axis=1) + 0.5 * rng.normal(size=1500) > 0
    model = LGBMClassifier(
        n_estimators=6, num_leaves=60, min_child_samples=2, feature_fraction=1.0, verbose=-1, extra_trees=True
    )
    forest = export(model.fit(matrix, outcome))
    explained = ForestAttribution(forest, np.arange(11), 11, matrix[:40])
    total = explained.base + explained.shares(matrix).sum(axis=1)
    assert np.abs(total - forest.margin(matrix)).max() < 1e-9
    shares = explained.shares(matrix[200:201])[0]
    assert shares == pytest.approx(by_definition(forest, np.arange(11), 11, matrix[200], matrix[:40]), abs=1e-9)


def test_a_large_forest_of_deep_trees_is_explained_without_tables() -> None:
    rng = np.random.default_rng(3)
    matrix = rng.normal(size=(5000, COLUMNS))
    outcome = rng.random(5000) < 1 / (1 + np.exp(-matrix[:, 0] * matrix[:, 1] - matrix[:, 2]))
    forest = export(RandomForestClassifier(300, random_state=1, n_jobs=2).fit(matrix, outcome))
    explained = ForestAttribution(forest, np.arange(COLUMNS), COLUMNS, matrix[:20])
    assert explained.nbytes == 0
    shares = explained.shares(matrix[100:103])
    assert explained.base + shares.sum(axis=1) == pytest.approx(1 / (1 + np.exp(-forest.margin(matrix[100:103]))))
    assert shares[0] == pytest.approx(
        by_definition(forest, np.arange(COLUMNS), COLUMNS, matrix[100], matrix[:20]), abs=1e-9
    )


def test_seventy_players_who_are_all_needed_share_alike() -> None:
    forest = chain(70, value=2.1)
    explained = ForestAttribution(forest, np.arange(70), 70, np.ones((3, 70)))
    shares = explained.shares(np.stack([np.full(70, -1.0), np.where(np.arange(70) < 69, -1.0, 1.0)]))
    assert shares[0] == pytest.approx(np.full(70, 2.1 / 70), abs=1e-12)
    assert np.abs(shares[1]).max() == 0


def chain(length: int, value: float) -> Forest:
    """One tree that gives its value where every column is below zero."""
    inner = np.arange(2 * length + 1) % 2 == 0
    inner[-1] = False
    at = np.arange(2 * length + 1)
    return Forest(
        roots=np.zeros(1, dtype=np.int32),
        feature=np.where(inner, at // 2, -1).astype(np.int32),
        threshold=np.zeros(at.size),
        left=np.where(inner, at + 2, -1).astype(np.int32),
        right=np.where(inner, at + 1, -1).astype(np.int32),
        missing_left=np.zeros(at.size, dtype=np.bool_),
        value=np.where(at == 2 * length, value, 0.0),
        category_node=np.full(at.size, -1, dtype=np.int32),
        n_features=length,
    )


@pytest.mark.parametrize("players", [1, 2, 5, 9])
def test_shares_by_word_are_those_of_every_order_of_joining(players: int) -> None:
    weight = np.random.default_rng(players).random((2, 1 << players))
    mine, theirs = np.arange(1 << players)[:, None], np.arange(1 << players)
    full = (1 << players) - 1
    reached = (mine | theirs) == full
    gained, lost = mine & ~theirs, theirs & ~mine
    often = deciding(players)
    for player, found in enumerate(shares_by_word(weight)):
        adds = (gained >> player & 1) * often[np.bitwise_count(gained), np.bitwise_count(lost)]
        takes = (lost >> player & 1) * often[np.bitwise_count(lost), np.bitwise_count(gained)]
        assert found == pytest.approx(weight @ ((adds - takes) * reached).T, abs=1e-12)


def test_who_is_last_is_counted_over_all_orders() -> None:
    often = deciding(6)
    for a in range(1, 7):
        for b in range(7):
            assert often[a, b] == pytest.approx(factorial(a - 1) * factorial(b) / factorial(a + b), rel=1e-14)
