from __future__ import annotations

import json

from riskloop.findings import Finding, blocking, by_severity

constant = Finding("constant", "info", "One value.", "drop it", column="country")
leak = Finding("leakage", "error", "AUC 1.0 alone.", "drop it", column="paid_back", evidence={"auc": 1.0})
sentinel = Finding("sentinel", "warning", "365243 in 12 rows.", "declare it missing", rows=12)
late = Finding("duplicates", "error", "3 rows twice.", "drop them", rows=3)


def test_only_errors_stop_the_work() -> None:
    assert blocking([constant, leak, sentinel, late]) == [leak, late]
    assert blocking([constant, sentinel]) == []


def test_the_gravest_come_first_and_equals_keep_their_order() -> None:
    assert by_severity([constant, sentinel, late, leak]) == [late, leak, sentinel, constant]


def test_a_finding_reaches_machines_whole() -> None:
    plain = json.loads(json.dumps(leak.to_dict()))
    assert Finding(**plain) == leak
