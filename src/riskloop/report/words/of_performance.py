"""The words of the performance report, in English and in French."""

from __future__ import annotations

from riskloop.report.words.of_documents import Pairs

PERFORMANCE: Pairs = {
    "performance_report_title": ("Performance over time: {name}", "Performance dans le temps : {name}"),
    "performance_subtitle": ("by {period}, made {when}", "par {period}, établi le {when}"),
    "performance_notice": (
        "Windows whose outcomes are not final are shown and never judged: what is known early is mostly positives.",
        "Les fenêtres aux issues non définitives sont montrées et jamais jugées : ce qui est connu tôt est surtout "
        "positif.",
    ),
    "period_hour": ("hour", "heure"),
    "period_day": ("day", "jour"),
    "period_week": ("week", "semaine"),
    "period_month": ("month", "mois"),
    # The verdict
    "performance_verdict_title": ("How good decisions are", "Ce que valent les décisions"),
    "performance_none_judged": (
        "No window can be judged yet: outcomes are not final, or too few are known.",
        "Aucune fenêtre ne peut encore être jugée : issues non définitives ou trop peu connues.",
    ),
    "performance_as_promised": (
        "{window}, version {version}: nothing speaks against what was promised.",
        "{window}, version {version} : rien ne contredit ce qui était promis.",
    ),
    "performance_worse": (
        "{window}, version {version}: {metric} is {now}, where {promised} was promised.",
        "{window}, version {version} : {metric} vaut {now}, là où {promised} était promis.",
    ),
    "performance_maturity": (
        "An outcome is final {days} days after the prediction; of whom nothing was told by then is {unreported}.",
        "Une issue est définitive {days} jours après la prédiction ; sans nouvelle d'ici là : {unreported}.",
    ),
    "performance_no_maturity": (
        "No maturity is set (problem.maturity): every outcome counts as final as soon as it is told.",
        "Aucune maturité n'est fixée (problem.maturity) : toute issue compte comme définitive dès qu'elle est connue.",
    ),
    "unreported_unknown": ("unknown", "inconnu"),
    "unreported_negative": ("negative", "négatif"),
    "performance_late": (
        "{count} positives were told without a date, after the outcome was final: nobody knows whether they came in "
        "time. Send dates (observed_at).",
        "{count} positifs sans date, reçus après la maturité : nul ne sait s'ils sont venus à temps. "
        "Envoyez les dates (observed_at).",
    ),
    "performance_only_positives": (
        "Only positives have been told. If that is all you report, set problem.maturity and problem.unreported: "
        "negative.",
        "Seuls des positifs ont été signalés. Si c'est tout ce que vous signalez, fixez problem.maturity et "
        "problem.unreported: negative.",
    ),
    # Over time
    "performance_time_title": ("Over time", "Dans le temps"),
    "performance_windows_table": ("Windows", "Fenêtres"),
    "performance_segments_table": ("Segments ({name})", "Segments ({name})"),
    "col_decisions": ("Decisions", "Décisions"),
    "col_outcomes_known": ("Outcomes known", "Issues connues"),
    "col_state": ("State", "État"),
    "state_judged": ("judged", "jugée"),
    "state_worse": ("worse than promised", "moins bien que promis"),
    "state_early": ("not final", "non définitif"),
    "state_few": ("too few", "trop peu"),
    "col_auc_estimated": ("ROC-AUC estimated", "ROC-AUC estimé"),
    "col_auc_realised": ("ROC-AUC realised", "ROC-AUC réalisé"),
    "col_cost_estimated": ("Cost per 1,000 estimated", "Coût pour 1 000 estimé"),
    "col_cost_realised": ("Cost per 1,000 realised", "Coût pour 1 000 réalisé"),
    "performance_figure_title": ("{metric}: promised, estimated, realised", "{metric} : promis, estimé, réalisé"),
    "performance_figure_says": (
        "{metric} by window: the band is what was promised, the lines what was estimated and what came true.",
        "{metric} par fenêtre : la bande est ce qui était promis, les lignes ce qui était estimé et ce qui est advenu.",
    ),
    "performance_figure_band": ("promised", "promis"),
    "performance_figure_realised": ("realised, final", "réalisé, définitif"),
    "performance_figure_early": ("realised, not final", "réalisé, non définitif"),
    "performance_figure_estimated": ("estimated", "estimé"),
    "performance_across": ("beginning of the window", "début de la fenêtre"),
    # All that is final
    "performance_overall_title": (
        "All that is final: version {version}",
        "Tout ce qui est définitif : version {version}",
    ),
    "performance_overall_table": ("Promised and realised", "Promis et réalisé"),
    "metric_calibration_in_the_large": (
        "Positives beyond what was expected (ideally 0)",
        "Positifs au-delà de l'attendu (idéal 0)",
    ),
    "performance_calibration_table": ("Calibration", "Calibration"),
    "col_bin_expected": ("Expected positives", "Positifs attendus"),
    "col_bin_observed": ("Observed positives", "Positifs observés"),
    "performance_roc_title": ("ROC curve", "Courbe ROC"),
    "performance_roc_says": (
        "Share of positives found (up) by share of negatives acted on (across).",
        "Part de positifs trouvés (vertical) selon la part de négatifs concernés (horizontal).",
    ),
    "performance_roc_across": ("negatives acted on", "négatifs concernés"),
    "performance_roc_up": ("positives found", "positifs trouvés"),
    "performance_pr_title": ("Precision-recall curve", "Courbe précision-rappel"),
    "performance_pr_says": ("Precision (up) by recall (across).", "Précision (vertical) selon le rappel (horizontal)."),
    # Scoreboard
    "performance_scoreboard_title": ("How good the estimates were", "Ce que valaient les estimations"),
    "performance_scoreboard_note": (
        "Estimates are kept when a window is over, before its outcomes are final, and never altered. Promised stands "
        "for estimating that nothing has changed.",
        "Les estimations sont gardées à la fin d'une fenêtre, avant que ses issues soient définitives, et jamais "
        "modifiées. Promis revient à estimer que rien n'a changé.",
    ),
    "performance_no_scores": (
        "No kept estimate can be held against a final outcome yet; `riskloop monitor` keeps them.",
        "Aucune estimation gardée ne peut encore être confrontée à une issue définitive (gardées par "
        "`riskloop monitor`).",
    ),
    "performance_scoreboard_table": ("Scoreboard", "Tableau des scores"),
    "col_method": ("Method", "Méthode"),
    "col_windows": ("Windows", "Fenêtres"),
    "col_error": ("Mean error", "Erreur moyenne"),
    "col_absolute_error": ("Mean absolute error", "Erreur absolue moyenne"),
    "col_covered": ("In the 95% interval", "Dans l'intervalle à 95%"),
    "method_plain": ("from the probabilities", "d'après les probabilités"),
    "method_weighted": ("recalibrated where customers are now", "recalibré là où sont les clients"),
    "method_promised": ("as promised", "comme promis"),
}
