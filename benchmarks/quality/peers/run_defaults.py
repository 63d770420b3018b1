"""LightGBM, CatBoost and logistic regression as their libraries hand them out."""

from __future__ import annotations

import pickle
import sys

from contestant import run


def _as_category(train):
    texts = list(train.columns[[str(kind) in ("object", "str", "string") for kind in train.dtypes]])
    return texts, dict.fromkeys(texts, "category")


def lightgbm(train, outcome, _seconds, seed):
    from lightgbm import LGBMClassifier

    texts, kinds = _as_category(train)
    table = train.astype(kinds)
    levels = {name: table[name].dtype for name in texts}
    model = LGBMClassifier(random_state=seed, verbosity=-1).fit(table, outcome)
    return (
        lambda rows: model.predict_proba(rows.astype(levels))[:, 1],
        lambda rows: model.predict(rows.astype(levels)) == 1,
        len(pickle.dumps(model)) / 1e6,
        lambda: None,
    )


def catboost(train, outcome, _seconds, seed):
    from catboost import CatBoostClassifier

    texts, _ = _as_category(train)

    def ready(rows):
        return rows.assign(**{name: rows[name].astype(object).where(rows[name].notna(), "missing") for name in texts})

    model = CatBoostClassifier(random_seed=seed, verbose=False, allow_writing_files=False, cat_features=texts)
    model.fit(ready(train), outcome)
    return (
        lambda rows: model.predict_proba(ready(rows))[:, 1],
        lambda rows: model.predict(ready(rows)) == 1,
        len(pickle.dumps(model)) / 1e6,
        lambda: None,
    )


def logistic_regression(train, outcome, _seconds, _seed):
    from sklearn.compose import make_column_transformer
    from sklearn.impute import SimpleImputer
    from sklearn.linear_model import LogisticRegression
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import OneHotEncoder, StandardScaler

    texts, _ = _as_category(train)
    numbers = [name for name in train.columns if name not in texts]

    def ready(rows):
        return rows.assign(**{name: rows[name].astype(object).where(rows[name].notna(), "missing") for name in texts})

    model = make_pipeline(
        make_column_transformer(
            (make_pipeline(SimpleImputer(strategy="median"), StandardScaler()), numbers),
            (OneHotEncoder(handle_unknown="ignore"), texts),
        ),
        LogisticRegression(max_iter=2000),
    ).fit(ready(train), outcome)
    return (
        lambda rows: model.predict_proba(ready(rows))[:, 1],
        lambda rows: model.predict(ready(rows)) == 1,
        len(pickle.dumps(model)) / 1e6,
        lambda: None,
    )


if __name__ == "__main__":
    run({"lightgbm": lightgbm, "catboost": catboost, "logistic_regression": logistic_regression}[sys.argv.pop(1)])
