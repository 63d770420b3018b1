from __future__ import annotations

from dataclasses import replace

import pytest

from riskloop.bundle.load import load
from riskloop.bundle.pack import pack
from riskloop.bundle.sign import canonical
from riskloop.data.contract import Column
from riskloop.data.linked.plan import LinkedTable, Plan
from riskloop.errors import BundleRefused


def table(**fields):
    return {"key": "id", "time": "at", "windows": ["all"], "features": {"*": ["count"]}} | fields


PLAN = Plan((LinkedTable.from_dict("bills", table()),))


def linked(bundle, column, value):
    """The bundle with one feature more, which bills make."""
    contract = bundle.contract
    contract = replace(contract, columns=(*contract.columns, column), features=(*contract.features, column.name))
    requests = tuple(request | {column.name: value} for request in bundle.golden.requests)
    scorer, golden = replace(bundle.scorer, contract=contract), replace(bundle.golden, requests=requests)
    return replace(bundle, scorer=scorer, golden=golden, linked=PLAN, baseline=tuple(requests))


def test_a_bundle_without_linked_tables_says_so(packed):
    assert packed.load().linked == Plan()


def test_a_plan_comes_back_from_its_bundle(linear_bundle, keys, tmp_path):
    _, path = pack(linked(linear_bundle, Column("bills.count.all"), 3.0), tmp_path / "bundles", keys)
    assert load(path, keys.trusted()).linked == PLAN


def test_a_linked_feature_is_a_number(linear_bundle, keys, tmp_path):
    column = Column("bills.count.all", "category", levels=("3",))
    with pytest.raises(BundleRefused, match="no number"):
        pack(linked(linear_bundle, column, "3"), tmp_path / "bundles", keys)


@pytest.mark.parametrize(
    "document",
    [
        {},
        {"point_in_time": 1, "tables": {}},
        {"point_in_time": True, "tables": {}, "more": 1},
        {"point_in_time": True, "tables": [1]},
        {"point_in_time": True, "tables": {"bills": 3}},
        {"point_in_time": True, "tables": {"bills": {}}},
        {"point_in_time": True, "tables": {"../bills": table()}},
        {"point_in_time": True, "tables": {"bills": table(time=None)}},
        {"point_in_time": True, "tables": {"bills": table(windows=["sometimes"])}},
        {"point_in_time": True, "tables": {"bills": table(windows=[["all"]])}},
        {"point_in_time": True, "tables": {"bills": table(features={"x": "mean"})}},
        {"point_in_time": True, "tables": {"bills": table(features={"x": [["mean"]]})}},
        {"point_in_time": True, "tables": {"bills": table(features=[])}},
        {"point_in_time": True, "tables": {"bills": table(path="/etc/passwd")}},
        {"point_in_time": True, "tables": {"bills": table()}},
    ],
)
def test_a_plan_that_is_none_or_makes_no_feature_is_refused(packed, document):
    packed.sign_again(linked_json=canonical(document))
    with pytest.raises(BundleRefused, match=r"linked\.json|linked|no feature"):
        packed.load()
