"""Estimates of performance, as a section of RESULTS.md."""

from __future__ import annotations

from benchmarks.tables import Document, table

STREAMS = {
    "bank_marketing": "bank_marketing in the order of time, retrained for every tenth on the three before",
    "covariate": "customers move, a booster (simulated)",
    "covariate_misfit": "customers move, a straight line through what is curved (simulated)",
    "concept": "customers come to behave otherwise (simulated)",
}
_METHODS = {
    "weighted": "riskloop, weighted",
    "recalibrated": "riskloop, recalibrated on all reference rows",
    "plain": "riskloop, plain",
    "nannyml": "NannyML 0.13 CBPE",
    "promised": "nothing has changed",
}


def estimated(results: Document) -> list[str]:
    """The whole section."""
    lines = [
        f"Chunks of {results['chunk']:,} decisions at FN = 10 FP; all get the same reference rows with outcomes, "
        "probabilities and decisions. Mean absolute error against what came true, and how often the interval held it "
        "(ours promises 95 %; NannyML's band is three standard errors of sampling). *Nothing has changed* takes the "
        "performance on the reference rows. Weighted, with the classifier and the bootstrap: "
        f"{results['seconds_per_chunk']} s a chunk on a busy machine.",
    ]
    for kind, one in results["streams"].items():
        rows = [
            [
                words,
                *(f"{one['methods'][method][name]['error']:{form}}" for name, form in _FORMS.items()),
                *(f"{one['methods'][method][name]['covered']:.0%}" for name in _FORMS),
            ]
            for method, words in _METHODS.items()
            if method in one["methods"]
        ]
        lines += [
            "",
            f"**{STREAMS[kind]}**: {one['chunks']} chunks; weights worth {one['effective_rows']:,} reference rows "
            f"(median), too few like them for {one['fell_back']} chunks, where the plain estimate stands.",
            "",
            *table(
                ["", "ROC-AUC", "F1", "cost per 1,000", "ROC-AUC held", "F1 held", "cost held"],
                rows,
            ),
        ]
    if not results["nannyml"]:
        lines += ["", "NannyML was not there to compare with."]
    return lines


_FORMS = {"roc_auc": ".4f", "f1": ".4f", "cost_per_thousand": ".0f"}
