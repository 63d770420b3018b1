"""The words of alerts, in English and in French."""

from __future__ import annotations

from riskloop.report.words.of_documents import Pairs

ALERTS: Pairs = {
    "subject_batches": ("the newest batch", "le dernier lot"),
    "subject_ledger": ("the ledger", "le registre"),
    "subject_service": ("the service", "le service"),
    "subject_version": ("{subject}, version {version}", "{subject}, version {version}"),
    # Measures
    "measure_columns_moved": ("Columns that moved", "Colonnes qui ont bougé"),
    "measure_drift_verdict": ("The table has drifted", "La table a dérivé"),
    "measure_score_psi": ("PSI of the probabilities", "PSI des probabilités"),
    "measure_act_rate_change": ("Change of the share acted on", "Variation de la part concernée"),
    "measure_broken_share": ("Rows that break the contract", "Lignes contraires au contrat"),
    "measure_expected_cost_change": ("Change of the expected cost", "Variation du coût attendu"),
    "measure_roc_auc": ("Realised ROC-AUC", "ROC-AUC réalisé"),
    "measure_roc_auc_change": (
        "Change of the ROC-AUC, beside what was promised",
        "Variation du ROC-AUC, par rapport à la promesse",
    ),
    "measure_accuracy": ("Realised accuracy", "Exactitude réalisée"),
    "measure_accuracy_change": (
        "Change of the accuracy, beside what was promised",
        "Variation de l'exactitude, par rapport à la promesse",
    ),
    "measure_precision": ("Realised precision", "Précision réalisée"),
    "measure_recall": ("Realised recall", "Rappel réalisé"),
    "measure_f1": ("Realised F1", "F1 réalisé"),
    "measure_realised_cost_change": (
        "Change of the realised cost, beside what was promised",
        "Variation du coût réalisé, par rapport à la promesse",
    ),
    "measure_label_completeness": ("Outcomes that are known of those due", "Issues connues parmi celles attendues"),
    "measure_latency_p99": ("99th percentile of latency", "99e centile de la latence"),
    "measure_error_rate": ("Requests answered with an error", "Requêtes en erreur"),
    "measure_predictions": ("Predictions answered", "Prédictions rendues"),
    "measure_ledger_lost": (
        "Predictions that could not be kept, since the service started",
        "Prédictions perdues depuis le démarrage du service",
    ),
    "measure_service_down": ("The service does not answer", "Le service ne répond pas"),
    "measure_guardrail": (
        "The challenger has broken a guardrail",
        "Le challenger a franchi un garde-fou",
    ),
    "measure_sample_ratio": (
        "Chance of so uneven arms, if the split were as declared",
        "Probabilité de bras aussi inégaux, si la répartition était celle déclarée",
    ),
    # What to do next
    "next_drift": (
        "Open the report: it ranks the columns by what they cost. Look for the source of the first; retrain once it is "
        "understood.",
        "Ouvrez le rapport : il classe les colonnes selon leur coût. Cherchez la cause de la première ; réentraînez "
        "une fois comprise.",
    ),
    "next_performance": (
        "Compare promised, estimated and realised in the report. If the outcomes are right, retrain, or roll back: "
        "riskloop rollback --reason TEXT.",
        "Comparez promis, estimé et réalisé dans le rapport. Si les issues sont justes, réentraînez, ou revenez en "
        "arrière : riskloop rollback --reason TEXTE.",
    ),
    "next_outcomes": (
        "Find out why outcomes do not arrive; send them with riskloop outcomes FILE.",
        "Cherchez pourquoi les issues n'arrivent pas ; envoyez-les avec riskloop outcomes FICHIER.",
    ),
    "next_latency": (
        "See /metrics for the load and the log for slow requests; add workers: riskloop serve --workers N.",
        "Voyez la charge dans /metrics et les requêtes lentes dans le journal ; ajoutez des processus : riskloop serve "
        "--workers N.",
    ),
    "next_service": (
        "Look into the log of the service and run riskloop doctor.",
        "Consultez le journal du service et lancez riskloop doctor.",
    ),
    "next_ledger": (
        "See that the database has room and answers; serving.when_away: spool keeps predictions meanwhile.",
        "Vérifiez que la base a de la place et répond ; serving.when_away: spool conserve les prédictions entre-temps.",
    ),
    "next_challenger": (
        "See riskloop ab status; end it with riskloop ab stop --reason TEXT.",
        "Voyez riskloop ab status ; terminez par riskloop ab stop --reason TEXTE.",
    ),
    # The message
    "alert_title": ("[{severity}] {project}: {what}", "[{severity}] {project} : {what}"),
    "alert_title_resolved": ("[resolved] {project}: {what}", "[résolu] {project} : {what}"),
    "alert_what": ("{measure}: {value}", "{measure} : {value}"),
    "alert_found": (
        "{measure}: {value} (alert {comparison} {threshold}).",
        "{measure} : {value} (alerte {comparison} {threshold}).",
    ),
    "alert_found_flag": ("{measure}.", "{measure}."),
    "alert_over": ("It is over. Last value: {value}.", "C'est terminé. Dernière valeur : {value}."),
    "alert_over_flag": ("It is over.", "C'est terminé."),
    "alert_where": ("Where: {subject}.", "Où : {subject}."),
    "alert_rests_on": ("It rests on {n} observations.", "Il repose sur {n} observations."),
    "alert_promised": ("Promised: {value}.", "Promis : {value}."),
    "alert_columns": ("Columns: {names}.", "Colonnes : {names}."),
    "alert_since": ("Since {when}.", "Depuis le {when}."),
    "alert_lasted": ("From {when} to {until}.", "Du {when} au {until}."),
    "alert_next": ("What to do: {step}", "Que faire : {step}"),
    "alert_report": ("Report: {path}", "Rapport : {path}"),
    "alert_link": ("Open alerts: {url}", "Alertes ouvertes : {url}"),
    "alert_acknowledge": (
        "Alert {id}, rule {rule}. To say that you look after it: riskloop alerts ack {id} --reason TEXT",
        "Alerte {id}, règle {rule}. Pour dire que vous vous en chargez : riskloop alerts ack {id} --reason TEXTE",
    ),
    "comparison_above": ("above", "au-dessus de"),
    "comparison_at_least": ("from", "dès"),
    "comparison_below": ("below", "en dessous de"),
    "comparison_at_most": ("at or below", "jusqu'à"),
    "alert_test_title": (
        "[test] {project}: a message to try the channel",
        "[essai] {project} : message pour essayer le canal",
    ),
    "alert_test_body": (
        "This is how alerts of riskloop arrive through the channel {channel}. Nothing is wrong.",
        "Voici comment les alertes de riskloop arrivent par le canal {channel}. Tout va bien.",
    ),
    # At the end of monitor, and in lists
    "alerts_opened": ("Alert {id} opened ({severity}): {what}", "Alerte {id} ouverte ({severity}) : {what}"),
    "alerts_repeated": (
        "Alert {id} is still open ({severity}): {what}",
        "Alerte {id} toujours ouverte ({severity}) : {what}",
    ),
    "alerts_resolved": ("Alert {id} resolved: {what}", "Alerte {id} résolue : {what}"),
    "alerts_sent": ("  sent to {channel}", "  envoyée à {channel}"),
    "alerts_not_sent": (
        "  not sent to {channel}: {error}; tried again at the next evaluation",
        "  pas envoyée à {channel} : {error} ; nouvel essai à la prochaine évaluation",
    ),
    "alerts_given_up": ("  given up on {channel}: {error}", "  abandonnée pour {channel} : {error}"),
    "alerts_not_judged": ("Alerts not judged ({count}): {names}.", "Alertes non jugées ({count}) : {names}."),
    "why_no_fact": ("nothing measured", "rien de mesuré"),
    "why_few": ("too few observations", "trop peu d'observations"),
    "why_not_promised": ("the version promised no better", "la version n'avait pas promis mieux"),
    "why_undefined": ("not defined", "non défini"),
}
