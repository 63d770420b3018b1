from __future__ import annotations

import csv
import io
import math
import sqlite3

import numpy as np
import pytest

from riskloop.data.contract import Column, Contract
from riskloop.errors import ConfigError
from riskloop.learn.block import Block as Rows
from riskloop.learn.features import fit_encoding, fit_matrix
from riskloop.learn.scorecard import PointsTable, fit_scorecard_model, points_table
from riskloop.scorer.linear import Linear


@pytest.fixture(scope="module")
def rows(block: Rows) -> Rows:
    """As `block`, with names, levels and sentinels that SQL could stumble over."""
    contract = Contract(
        (
            Column("age"),
            Column('the "debt"', nullable=True, missing_values=("999", "n/a")),
            Column("income", nullable=True),
            Column("region", "category", ("north", "o'south", "east", "west"), nullable=True, unknown="bin"),
            Column("married", "category", ("no", "yes"), aliases=(("oui", "yes"),)),
        ),
        ("age", 'the "debt"', "income", "region", "married"),
    )
    columns = {('the "debt"' if name == "debt" else name): values for name, values in block.columns.items()}
    derived = {"burden": '`the "debt"` / income - 1', "left": '-(income - `the "debt"`) * 2'}
    return Rows(contract, columns, block.outcome, block.fold, derived)


@pytest.fixture(scope="module")
def fitted(rows: Rows) -> tuple[PointsTable, Linear, np.ndarray]:
    encoding, matrix = fit_matrix(rows.contract, rows.columns, rows.outcome, "woe", rows.derived)
    model = fit_scorecard_model(matrix, rows.outcome)
    return points_table(rows.contract, encoding, model, rows.columns, rows.outcome), model, model.margin(matrix)


def as_cells(rows: Rows) -> list[tuple[object, ...]]:
    cells = []
    for place in range(len(rows.outcome)):
        cell: list[object] = []
        for column in rows.contract.used:
            value = rows.columns[column.name][place].item()
            if column.type == "number":
                cell.append((999 if "debt" in column.name and place % 2 else None) if math.isnan(value) else value)
            elif value < 0:
                cell.append("" if place % 2 else None)
            else:
                text = column.levels[value] if value < len(column.levels) else "elsewhere"
                cell.append("oui" if text == "yes" and place % 2 else text)
        cells.append(tuple(cell))
    return cells


def test_no_contribution_is_negative_and_the_constrained_optimum_is_reached():
    """The second column says the same as the first with noise on top, and its sign would turn."""
    rng = np.random.default_rng(0)
    first = rng.normal(size=2_000)
    second = first + rng.normal(size=2_000)
    outcome = rng.random(2_000) < 1 / (1 + np.exp(-(2 * first - 0.8 * second)))
    both = fit_scorecard_model(np.column_stack([first, second]), outcome)
    alone = fit_scorecard_model(first[:, None], outcome)
    assert both.coefficients[1] == 0
    assert both.coefficients[0] == pytest.approx(alone.coefficients[0], abs=1e-4)


def test_without_a_contradiction_it_is_logistic_regression():
    from sklearn.linear_model import LogisticRegression

    rng = np.random.default_rng(0)
    matrix = rng.normal(size=(1_000, 3))
    outcome = rng.random(1_000) < 1 / (1 + np.exp(1 - matrix @ [1, 0.5, 2]))
    ours, theirs = fit_scorecard_model(matrix, outcome), LogisticRegression(tol=1e-10).fit(matrix, outcome)
    assert ours.coefficients == pytest.approx(theirs.coef_[0], abs=1e-4)
    assert ours.intercept == pytest.approx(theirs.intercept_[0], abs=1e-4)


def test_a_column_that_never_varies_carries_no_points():
    matrix = np.column_stack([np.zeros(200), np.tile([-1.0, 1.0], 100)])
    model = fit_scorecard_model(matrix, np.tile([False, True, True, True], 50))
    assert model.coefficients[0] == 0


def test_the_points_say_what_the_model_says_up_to_their_rounding(rows, fitted):
    table, model, margin = fitted
    features = len(table.encoding.blocks)
    assert features == np.count_nonzero(model.coefficients) > 2
    off = np.abs(table.log_odds(table.score(rows.columns)) - margin)
    assert off.max() <= 0.5 * features * math.log(2) / 20 + 1e-9


def test_base_points_mean_the_base_odds_and_twenty_more_double_them(fitted):
    table, *_ = fitted
    goods_to_bad = np.exp(-table.log_odds(np.array([600.0, 620.0, 580.0])))
    assert goods_to_bad == pytest.approx([50, 100, 25])


def test_every_row_tells_how_many_customers_it_describes_and_how_they_fared(rows, fitted):
    table, *_ = fitted
    for block in table.encoding.blocks:
        own = [row for row in table.rows if row.feature == block.source]
        assert sum(row.share for row in own) == pytest.approx(1)
        assert sum(row.share * row.bad_rate for row in own if row.share) == pytest.approx(rows.outcome.mean())
        assert [row.points for row in sorted(own, key=lambda row: row.woe)] == sorted(r.points for r in own)[::-1]


def test_the_rows_read_like_a_scorecard(fitted):
    table, *_ = fitted
    written = {(row.feature, row.bin) for row in table.rows}
    first = next(row.bin for row in table.rows if row.feature == "age")
    assert first.startswith("(-inf, ")
    assert ('the "debt"', "missing") in written
    assert ("age", "missing") not in written
    assert any("other" in text for feature, text in written if feature == "region")


def test_the_csv_has_the_same_rows(fitted):
    table, *_ = fitted
    read = list(csv.DictReader(io.StringIO(table.to_csv())))
    assert [(row["feature"], row["bin"], int(row["points"])) for row in read] == [
        (row.feature, row.bin, row.points) for row in table.rows
    ]


@pytest.mark.parametrize("database", ["sqlite", "duckdb"])
def test_the_sql_gives_the_same_score(rows, fitted, database):
    table, *_ = fitted
    connection = sqlite3.connect(":memory:") if database == "sqlite" else pytest.importorskip("duckdb").connect()
    with connection:
        connection.execute(
            'CREATE TABLE "the customers" (age DOUBLE, "the ""debt""" DOUBLE, income INTEGER, '
            "region VARCHAR, married VARCHAR)"
        )
        connection.executemany('INSERT INTO "the customers" VALUES (?, ?, ?, ?, ?)', as_cells(rows))
        found = [row[-1] for row in connection.execute(table.to_sql("the customers")).fetchall()]
    connection.close()
    assert found == table.score(rows.columns).tolist()


def test_what_the_contract_refuses_has_no_score(fitted):
    table, *_ = fitted
    connection = sqlite3.connect(":memory:")
    connection.execute('CREATE TABLE t (age, "the ""debt""", income, region, married)')
    strange = [(None, 1.0, 1.0, "north", "no"), (40.0, 1.0, 1.0, "north", "perhaps"), (40.0, 1.0, 1.0, "north", None)]
    connection.executemany("INSERT INTO t VALUES (?, ?, ?, ?, ?)", [*strange, (40.0, 1.0, 1.0, "mars", "no")])
    found = [row[-1] for row in connection.execute(table.to_sql("t")).fetchall()]
    connection.close()
    assert found[:3] == [None] * 3
    assert isinstance(found[3], int)


def test_without_rows_the_counts_are_left_empty(rows, fitted):
    table, model, _ = fitted
    encoding = fit_encoding(rows.contract, rows.columns, "woe", rows.derived, rows.outcome)
    bare = points_table(rows.contract, encoding, model)
    assert [row.points for row in bare.rows] == [row.points for row in table.rows]
    assert {row.share for row in bare.rows} == {row.bad_rate for row in bare.rows} == {None}


def test_a_model_that_knows_nothing_gives_everyone_the_same(rows):
    encoding = fit_encoding(rows.contract, rows.columns, "woe", None, rows.outcome)
    table = points_table(rows.contract, encoding, Linear(np.zeros(len(encoding.names)), -math.log(50)))
    assert table.rows == ()
    assert set(table.score(rows.columns).tolist()) == {600.0}
    assert "600 AS score" in " ".join(table.to_sql("t").split())


def test_a_date_cannot_be_written_as_sql():
    contract = Contract((Column("since", "date"),), ("since",))
    columns = {"since": np.arange(400.0)}
    outcome = np.arange(400) % 31 > 20
    encoding, matrix = fit_matrix(contract, columns, outcome, "woe", {"day": "day(since)"})
    table = points_table(contract, encoding, fit_scorecard_model(matrix, outcome))
    with pytest.raises(ConfigError, match="uses a date"):
        table.to_sql("t")


def test_points_need_weights_of_evidence_and_a_scale(rows):
    encoding = fit_encoding(rows.contract, rows.columns, "scaled")
    with pytest.raises(ConfigError, match="weights of evidence"):
        points_table(rows.contract, encoding, Linear(np.ones(len(encoding.names)), 0.0))
    woe = fit_encoding(rows.contract, rows.columns, "woe", None, rows.outcome)
    with pytest.raises(ConfigError, match="positive"):
        points_table(rows.contract, woe, Linear(np.ones(len(woe.names)), 0.0), odds=0)
