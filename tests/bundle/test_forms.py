from __future__ import annotations

import pytest

from riskloop.bundle.forms import build, form_of
from riskloop.errors import BundleRefused


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
    other = {"linear": "forest", "forest": "linear"}[form_of(model)]
    with pytest.raises(BundleRefused):
        build(other, model.to_arrays())
