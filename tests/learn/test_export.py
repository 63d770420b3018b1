"""Every exported model scores exactly as its library does."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from riskloop.errors import DataError
from riskloop.learn.export import dispatch
from riskloop.scorer.forest import Forest
from riskloop.scorer.forest.layout import Layout
from riskloop.scorer.forest.masks import Masks
from riskloop.scorer.forest.traversal import Traversal

FloatArray = NDArray[np.float64]
CATEGORICAL = [4, 1]  # not in order: exporters must map columns, not positions
LEVELS = 11


def export(model: Any) -> Forest:
    forest = dispatch.export(model)
    assert isinstance(forest, Forest)
    return forest


@dataclass
class Table:
    X: FloatArray
    y: NDArray[np.int64]


def table(
    seed: int = 0, n: int = 1500, *, missing: float = 0.1, categorical: bool = False, grid: bool = False
) -> Table:
    rng = np.random.default_rng(seed)
    X = rng.normal(size=(n, 6))
    if grid:
        X = np.round(X * 4) / 4
    X[:, 3] = np.round(X[:, 3])
    weight = rng.normal(size=LEVELS)
    signal = X[:, 0] - X[:, 2] * X[:, 3]
    if categorical:
        for column in CATEGORICAL:
            X[:, column] = rng.integers(0, LEVELS, n)
            signal = signal + weight[X[:, column].astype(int)]
    X[rng.random(X.shape) < missing] = np.nan
    return Table(X, (rng.random(n) < 1 / (1 + np.exp(-signal))).astype(np.int64))


def probe(X: FloatArray, forest: Forest) -> FloatArray:
    """Rows of the table, rows that sit exactly on thresholds, rows beside them, and codes never seen."""
    rng = np.random.default_rng(1)
    rows = [X[:300]]
    for feature in range(X.shape[1]):
        nodes = np.flatnonzero((forest.feature == feature) & (forest.category_node < 0))
        cuts = rng.permutation(np.unique(forest.threshold[nodes]))[:20]
        cuts = cuts[np.abs(cuts) < 1e30]
        for on in (cuts, np.nextafter(cuts, np.inf), np.nextafter(cuts, -np.inf), cuts * (1 + 1e-7)):
            some = X[rng.integers(0, len(X), on.size)].copy()
            some[:, feature] = on
            rows.append(some)
    zeros = X[:20].copy()
    zeros[:, 0] = 0.0
    return np.concatenate([*rows, zeros, np.full((1, X.shape[1]), np.nan)])


def unseen(X: FloatArray, code: float) -> FloatArray:
    rows = X[:200].copy()
    rows[:, CATEGORICAL] = code
    return rows


def gap(model: Any, expected: Any, X: FloatArray) -> float:
    """The largest difference between the library and either way of evaluating its export."""
    forest = Forest.from_arrays(export(model).to_arrays())
    rows = probe(X, forest)
    raw = np.asarray(expected(rows), dtype=np.float64)
    gaps = [np.abs(forest.margin(rows) - raw).max()]
    inputs = forest._inputs(rows)
    layout = Layout.of(forest)
    evaluators: list[Masks | Traversal] = [Traversal(forest)]
    if layout.leaves.max() <= 64:
        evaluators.append(Masks(forest, layout))
    for evaluator in evaluators if not forest.average else []:
        gaps.append(np.abs(evaluator.total(inputs) - raw).max())
    return float(max(gaps))


def log_odds(probability: FloatArray) -> FloatArray:
    clipped = np.clip(probability, 1e-12, 1 - 1e-12)
    odds: FloatArray = np.log(clipped) - np.log1p(-clipped)
    return odds


# LightGBM


def lightgbm_booster(data: Table, rounds: int = 30, **params: Any) -> Any:
    import lightgbm

    categorical = params.pop("categorical_feature", "auto")
    params = {"objective": "binary", "verbose": -1, "num_threads": 1, "seed": 0, "num_leaves": 15} | params
    return lightgbm.train(params, lightgbm.Dataset(data.X, data.y, categorical_feature=categorical), rounds)


@pytest.mark.parametrize(
    "params",
    [
        {},
        {"use_missing": False},
        {"zero_as_missing": True},
        {"num_leaves": 100, "min_data_in_leaf": 2},
        {"boosting": "dart"},
        {"objective": "cross_entropy"},
        {"boost_from_average": False},
        {"min_data_in_leaf": 2000},
    ],
    ids=str,
)
@pytest.mark.filterwarnings("ignore::UserWarning")
def test_lightgbm_is_exact(params: dict[str, Any]) -> None:
    data = table(grid=True)
    booster = lightgbm_booster(data, **params)
    assert gap(booster, lambda X: booster.predict(X, raw_score=True), data.X) < 1e-12


def test_a_lightgbm_random_forest_gives_the_log_odds_of_its_probability() -> None:
    data = table()
    booster = lightgbm_booster(data, boosting="rf", bagging_fraction=0.6, bagging_freq=1)
    assert gap(booster, lambda X: log_odds(booster.predict(X)), data.X) < 1e-12


def test_lightgbm_that_saw_no_missing_value_reads_it_as_zero() -> None:
    data = table(missing=0)
    booster = lightgbm_booster(data)
    rows = data.X.copy()
    rows[::3, :3] = np.nan
    assert gap(booster, lambda X: booster.predict(X, raw_score=True), rows) == 0


@pytest.mark.parametrize("missing", [0.0, 0.1])
@pytest.mark.parametrize("params", [{}, {"zero_as_missing": True}, {"max_cat_to_onehot": 20}], ids=str)
@pytest.mark.filterwarnings("ignore::UserWarning")
def test_lightgbm_native_categories_are_exact(params: dict[str, Any], missing: float) -> None:
    data = table(categorical=True, missing=missing)
    booster = lightgbm_booster(data, categorical_feature=CATEGORICAL, min_data_per_group=5, cat_smooth=1, **params)
    assert export(booster).category_left.any()
    for rows in (data.X, unseen(data.X, LEVELS), unseen(data.X, 5000.0), unseen(data.X, -1.0), unseen(data.X, np.nan)):
        assert gap(booster, lambda X: booster.predict(X, raw_score=True), rows) == 0


def test_lightgbm_stopped_early_keeps_its_best_iteration() -> None:
    import lightgbm

    train, hold = table(0), table(1, 300)
    model = lightgbm.LGBMClassifier(n_estimators=300, learning_rate=0.3, verbose=-1, n_jobs=1)
    model.fit(train.X, train.y, eval_X=hold.X, eval_y=hold.y, callbacks=[lightgbm.early_stopping(5, verbose=False)])
    assert export(model).n_trees == model.best_iteration_ < 300
    assert gap(model.booster_, lambda X: model.booster_.predict(X, raw_score=True), train.X) == 0


# XGBoost


def xgboost_booster(data: Table, rounds: int = 30, **params: Any) -> Any:
    import xgboost

    params = {"objective": "binary:logistic", "nthread": 1, "seed": 0, "max_depth": 5} | params
    return xgboost.train(params, matrix(data.X, data.y), rounds)


def matrix(X: FloatArray, y: Any = None, *, categorical: bool = False) -> Any:
    import xgboost

    kinds = ["c" if categorical and column in CATEGORICAL else "q" for column in range(X.shape[1])]
    return xgboost.DMatrix(X, label=y, feature_types=kinds, enable_categorical=categorical)


@pytest.mark.parametrize(
    "params",
    [
        {},
        {"max_depth": 9, "min_child_weight": 0},
        {"base_score": 0.17},
        {"objective": "binary:logitraw"},
        {"tree_method": "exact"},
        {"num_parallel_tree": 3, "subsample": 0.7},
        {"grow_policy": "lossguide", "max_leaves": 40, "max_depth": 0},
        {"gamma": 3},
        {"gamma": 1e9},
    ],
    ids=str,
)
def test_xgboost_is_exact_to_the_last_bit(params: dict[str, Any]) -> None:
    data = table(grid=True)
    booster = xgboost_booster(data, **params)
    assert gap(booster, lambda X: booster.predict(matrix(X), output_margin=True), data.X) == 0


@pytest.mark.parametrize("missing", [0.0, 0.1])
@pytest.mark.parametrize("to_onehot", [1, 20])
def test_xgboost_native_categories_are_exact(to_onehot: int, missing: float) -> None:
    import xgboost

    data = table(categorical=True, missing=missing)
    booster = xgboost.train(
        {"objective": "binary:logistic", "nthread": 1, "max_cat_to_onehot": to_onehot, "max_depth": 4},
        matrix(data.X, data.y, categorical=True),
        20,
    )
    assert export(booster).category_left.any()
    for rows in (data.X, unseen(data.X, LEVELS), unseen(data.X, 5000.0), unseen(data.X, np.nan)):
        assert gap(booster, lambda X: booster.predict(matrix(X, categorical=True), output_margin=True), rows) == 0


def test_xgboost_stopped_early_keeps_its_best_iteration() -> None:
    import xgboost

    train, hold = table(0), table(1, 300)
    model = xgboost.XGBClassifier(n_estimators=300, learning_rate=0.5, early_stopping_rounds=5, n_jobs=1)
    model.fit(train.X, train.y, eval_set=[(hold.X, hold.y)], verbose=False)
    assert export(model).n_trees == model.best_iteration + 1 < 300
    assert gap(model, lambda X: model.predict(X, output_margin=True), train.X) == 0


def test_xgboost_with_another_code_for_missing_is_refused() -> None:
    import xgboost

    data = table(n=200, missing=0)
    model = xgboost.XGBClassifier(n_estimators=2, missing=-999.0, n_jobs=1).fit(data.X, data.y)
    with pytest.raises(DataError, match="coded as"):
        export(model)


# CatBoost


def catboost_model(data: Table, **params: Any) -> Any:
    import catboost

    params = {"iterations": 30, "verbose": 0, "thread_count": 1, "allow_writing_files": False, "depth": 5} | params
    return catboost.CatBoostClassifier(**params).fit(data.X, data.y)


@pytest.mark.parametrize(
    "params",
    [
        {},
        {"depth": 7},
        {"nan_mode": "Max"},
        {"grow_policy": "Depthwise"},
        {"grow_policy": "Lossguide", "max_leaves": 20},
        {"boost_from_average": True},
        {"border_count": 12},
        {"loss_function": "CrossEntropy"},
    ],
    ids=str,
)
def test_catboost_is_exact(params: dict[str, Any]) -> None:
    data = table(grid=True)
    model = catboost_model(data, **params)
    assert gap(model, lambda X: model.predict(X, prediction_type="RawFormulaVal"), data.X) < 1e-12


def test_catboost_scale_and_bias_are_kept() -> None:
    data = table()
    model = catboost_model(data)
    model.set_scale_and_bias(0.5, -0.25)
    assert gap(model, lambda X: model.predict(X, prediction_type="RawFormulaVal"), data.X) < 1e-12


def test_catboost_that_saw_no_missing_value_reads_it_as_the_library_does() -> None:
    data = table(missing=0)
    model = catboost_model(data)
    rows = data.X.copy()
    rows[::3, 0] = np.nan
    assert gap(model, lambda X: model.predict(X, prediction_type="RawFormulaVal"), rows) < 1e-12


def test_catboost_with_its_own_categories_is_refused() -> None:
    import catboost

    data = table(n=300, missing=0)
    X = data.X.astype(object)
    X[:, 3] = X[:, 3].astype(int)
    model = catboost.CatBoostClassifier(
        iterations=2, verbose=0, thread_count=1, allow_writing_files=False, cat_features=[3]
    )
    with pytest.raises(DataError, match="categorical"):
        export(model.fit(X, data.y))


# scikit-learn


def hist_gradient_boosting(data: Table, **params: Any) -> Any:
    from sklearn.ensemble import HistGradientBoostingClassifier
    from threadpoolctl import threadpool_limits

    with threadpool_limits(1):  # OpenMP's threads spin where the machine has few cores
        return HistGradientBoostingClassifier(random_state=0, **params).fit(data.X, data.y)


@pytest.mark.parametrize("missing", [0.0, 0.1])
@pytest.mark.parametrize("depth", [3, None])
def test_a_decision_tree_is_exact(depth: int | None, missing: float) -> None:
    from sklearn.tree import DecisionTreeClassifier

    data = table(missing=missing)
    model = DecisionTreeClassifier(max_depth=depth, random_state=0, min_samples_leaf=3).fit(data.X, data.y)
    forest = export(model)
    rows = probe(data.X, forest)
    rows = rows if missing else rows[~np.isnan(rows).any(axis=1)]
    assert np.array_equal(forest.margin(rows), log_odds(model.predict_proba(rows)[:, 1]))


@pytest.mark.parametrize("kind", ["RandomForestClassifier", "ExtraTreesClassifier"])
@pytest.mark.parametrize("params", [{"max_depth": 4}, {}, {"class_weight": "balanced"}], ids=str)
def test_a_random_forest_is_exact(kind: str, params: dict[str, Any]) -> None:
    import sklearn.ensemble

    data = table()
    model = getattr(sklearn.ensemble, kind)(n_estimators=40, random_state=0, n_jobs=1, **params).fit(data.X, data.y)
    assert gap(model, lambda X: log_odds(model.predict_proba(X)[:, 1]), data.X) < 1e-12


@pytest.mark.parametrize("params", [{}, {"init": "zero"}, {"subsample": 0.5, "max_depth": 5}], ids=str)
def test_gradient_boosting_is_exact(params: dict[str, Any]) -> None:
    from sklearn.ensemble import GradientBoostingClassifier

    data = table(missing=0)
    model = GradientBoostingClassifier(n_estimators=40, random_state=0, **params).fit(data.X, data.y)
    forest = export(model)
    rows = probe(data.X, forest)
    rows = rows[~np.isnan(rows).any(axis=1)]
    assert np.array_equal(forest.margin(rows), model.decision_function(rows))


@pytest.mark.parametrize("missing", [0.0, 0.1])
@pytest.mark.parametrize("params", [{}, {"max_leaf_nodes": 80, "min_samples_leaf": 2}, {"max_bins": 8}], ids=str)
def test_hist_gradient_boosting_is_exact(params: dict[str, Any], missing: float) -> None:
    data = table(missing=missing)
    model = hist_gradient_boosting(data, max_iter=8, **params)
    assert gap(model, model.decision_function, data.X) < 1e-12


@pytest.mark.parametrize("missing", [0.0, 0.1])
def test_hist_gradient_boosting_native_categories_are_exact(missing: float) -> None:
    data = table(categorical=True, missing=missing)
    kept = ~np.isin(data.X[:, CATEGORICAL], [2, 7]).any(axis=1)  # gaps in the codes that training saw
    seen = Table(data.X[kept], data.y[kept])
    model = hist_gradient_boosting(seen, max_iter=20, categorical_features=CATEGORICAL)
    assert export(model).category_left.any()
    for rows in (data.X, unseen(data.X, LEVELS), unseen(data.X, 5000.0), unseen(data.X, np.nan)):
        assert gap(model, model.decision_function, rows) < 1e-12


# Any model


@settings(max_examples=15, deadline=None)
@given(
    seed=st.integers(0, 10_000),
    leaves=st.integers(2, 90),
    missing=st.sampled_from([0.0, 0.3]),
    rounds=st.integers(1, 12),
)
def test_any_lightgbm_and_xgboost_is_exact(seed: int, leaves: int, missing: float, rounds: int) -> None:
    data = table(seed, 400, missing=missing, grid=bool(seed % 2))
    light = lightgbm_booster(data, rounds, num_leaves=leaves, min_data_in_leaf=1)
    assert gap(light, lambda X: light.predict(X, raw_score=True), data.X) == 0
    extreme = xgboost_booster(data, rounds, max_leaves=leaves, max_depth=0, min_child_weight=0)
    assert gap(extreme, lambda X: extreme.predict(matrix(X), output_margin=True), data.X) == 0


def test_an_unknown_model_is_refused_with_the_names_of_those_supported() -> None:
    from sklearn.naive_bayes import GaussianNB

    with pytest.raises(DataError) as refused:
        export(GaussianNB())
    assert "lightgbm.LGBMClassifier" in str(refused.value)
    assert "GaussianNB" in refused.value.message


@pytest.mark.parametrize(
    ("module", "params"), [("lightgbm", {"objective": "regression"}), ("xgboost", {"objective": "reg:squarederror"})]
)
def test_a_model_without_log_odds_is_refused(module: str, params: dict[str, Any]) -> None:
    train = {"lightgbm": lightgbm_booster, "xgboost": xgboost_booster}[module]
    with pytest.raises(DataError, match="log-odds"):
        export(train(table(n=200), 2, **params))


def test_three_classes_are_refused() -> None:
    from sklearn.tree import DecisionTreeClassifier

    data = table(n=200, missing=0)
    with pytest.raises(DataError, match="3 classes"):
        export(DecisionTreeClassifier().fit(data.X, np.arange(200) % 3))
