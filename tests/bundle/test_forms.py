from __future__ import annotations

import numpy as np
import pytest

from riskloop.bundle.arrays import from_bytes, to_bytes
from riskloop.bundle.forms import build, form_of
from riskloop.errors import BundleRefused
from riskloop.scorer.blend import Blend, Link, Member
from riskloop.scorer.scorer import Model


def test_every_form_is_built_back_from_its_own_name_and_arrays(bundle):
    model = bundle.scorer.model
    again = build(form_of(model), model.to_arrays())
    assert type(again) is type(model)
    matrix = bundle.scorer.encoding.matrix(bundle.contract.decode_rows(bundle.golden.requests).columns)
    assert again.margin(matrix).tolist() == model.margin(matrix).tolist()


def test_a_model_of_another_type_has_no_form():
    with pytest.raises(BundleRefused, match="A dict cannot be put into a bundle"):
        form_of({})


def test_the_arrays_of_one_form_do_not_make_another(bundle):
    model = bundle.scorer.model
    other = {"linear": "forest", "forest": "linear"}[form_of(model)["form"]]
    with pytest.raises(BundleRefused):
        build({"form": other}, model.to_arrays())


def two_of(model: Model, link: Link = "log_odds") -> Blend:
    columns = np.arange(model.n_features)
    members = (Member(model, columns, 0.25), Member(model, columns + model.n_features, 0.75))
    return Blend(members, 2 * model.n_features, link=link)


@pytest.mark.parametrize("link", ["log_odds", "probability"])
def test_a_blend_of_equals_answers_as_each_of_them(bundle, link):
    matrix = bundle.scorer.encoding.matrix(bundle.contract.decode_rows(bundle.golden.requests).columns)
    alone = bundle.scorer.model.margin(matrix)
    together = two_of(bundle.scorer.model, link).margin(np.hstack([matrix, matrix]))
    assert np.allclose(together, alone, rtol=0, atol=1e-12)


def test_a_blend_is_built_back_bit_for_bit(bundle):
    blend = two_of(bundle.scorer.model)
    arrays = from_bytes(to_bytes(blend.to_arrays()))
    again = build(form_of(blend), arrays)
    matrix = bundle.scorer.encoding.matrix(bundle.contract.decode_rows(bundle.golden.requests).columns)
    twice = np.hstack([matrix, matrix])
    assert again.margin(twice).tobytes() == blend.margin(twice).tobytes()


@pytest.mark.parametrize(
    ("broken", "complaint"),
    [
        ({"0.weight": np.array(np.nan)}, "finite weights"),
        ({"0.weight": np.array([0.25])}, "single value"),
        ({"0.columns": np.array([99], dtype=np.int64)}, "columns"),
        ({"7.weight": np.array(0.1)}, "numbered from 0"),
        ({"stranger": np.array(0.1)}, "unknown array"),
        ({"intercept": np.array(np.inf)}, "finite weights"),
        ({"n_features": np.array(1, dtype=np.int64)}, "column that is not there"),
    ],
)
def test_arrays_that_make_no_blend_are_refused(bundle, broken, complaint):
    blend = two_of(bundle.scorer.model)
    with pytest.raises(BundleRefused, match=complaint):
        build(form_of(blend), blend.to_arrays() | broken)


@pytest.mark.parametrize(
    "form",
    [
        {"form": "blend", "link": "log_odds", "members": [{"form": "blend"}, {"form": "linear"}]},
        {"form": "blend", "link": "log_odds", "members": []},
        {"form": "blend", "link": "log_odds", "members": "linear"},
        {"form": "blend", "link": "log_odds"},
        {"form": "blend", "link": "maximum", "members": None},
        {"form": ["blend"]},
    ],
)
def test_a_form_outside_the_closed_set_is_refused(bundle, form):
    blend = two_of(bundle.scorer.model)
    if form.get("members", 0) is None:
        form = form_of(blend) | {"link": form["link"]}
    with pytest.raises(BundleRefused):
        build(form, blend.to_arrays())
