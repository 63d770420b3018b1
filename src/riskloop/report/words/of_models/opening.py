"""The words of the model report about what the report opens with: at a glance, purpose, data and method."""

from __future__ import annotations

from riskloop.report.words.of_documents import Pairs

OPENING: Pairs = {
    "model_report_title": ("Model report: {name}, version {version}", "Rapport de modèle : {name}, version {version}"),
    "glance_title": ("At a glance", "En bref"),
    "interval_note": (
        "Brackets hold {level} intervals, on customers that nothing in training had seen.",
        "Entre crochets : intervalles à {level}, sur des clients que l'entraînement n'a jamais vus.",
    ),
    "alias_champion": ("Champion: it leads", "Champion : en service"),
    "alias_challenger": ("Challenger", "Challenger"),
    "alias_previous": ("Previous champion", "Champion précédent"),
    "status_accepted": ("Accepted by the gate, does not lead", "Accepté par le contrôle, pas en service"),
    "status_refused": ("Refused by the gate", "Refusé par le contrôle"),
    "verdict_cheaper": (
        "The model is cheaper than {other}: the difference is {difference} per 1,000 customers.",
        "Le modèle coûte moins que {other} : la différence est de {difference} pour 1 000 clients.",
    ),
    "verdict_dearer": (
        "The model is dearer than {other}: the difference is {difference} per 1,000 customers.",
        "Le modèle coûte plus que {other} : la différence est de {difference} pour 1 000 clients.",
    ),
    "verdict_same": (
        "The model cannot be told from {other}: the difference is {difference} per 1,000 customers.",
        "Le modèle ne se distingue pas de {other} : la différence est de {difference} pour 1 000 clients.",
    ),
    "verdict_act_on_all": ("acting on everyone", "l'action sur tous"),
    "verdict_act_on_none": ("acting on nobody", "l'inaction envers tous"),
    "purpose_title": ("What it decides, and for whom", "Ce qu'il décide, et pour qui"),
    "about_row": ("its row; no column names customers", "sa ligne ; aucune colonne ne désigne les clients"),
    "no_review": ("none: no reviews are priced", "aucune : aucun examen n'est chiffré"),
    "data_title": ("Data", "Données"),
    "split_is_random": ("drawn at random, stratified", "tiré au hasard, stratifié"),
    "split_is_time": ("the latest rows by event time", "les lignes les plus récentes"),
    "split_is_row_order": ("the last rows of the table", "les dernières lignes de la table"),
    "no_event_time": ("none", "aucune"),
    "no_linked": ("none", "aucune"),
    "features_title": ("What the model reads: {count} features", "Ce que lit le modèle : {count} variables"),
    "col_feature": ("Feature", "Variable"),
    "col_type": ("Type", "Type"),
    "col_use": ("Use", "Rôle"),
    "col_missing": ("Missing in training", "Absents à l'entraînement"),
    "use_feature": ("learnt from", "apprise"),
    "use_priced": ("prices decisions, unknown to the model", "chiffre les décisions, inconnue du modèle"),
    "from_linked": ("from a linked table", "d'une table liée"),
    "listed_note": ("The first {shown} of {count} are listed.", "Les {shown} premières sur {count} sont listées."),
    "left_out_title": ("Columns left out, and why", "Colonnes écartées, et pourquoi"),
    "col_column": ("Column", "Colonne"),
    "col_why": ("Why", "Pourquoi"),
    "because_sensitive": ("protected: audited, never used", "protégée : auditée, jamais utilisée"),
    "because_unavailable": ("not known when the decision is taken", "inconnue au moment de décider"),
    "because_time": ("event time", "date de l'événement"),
    "because_id": ("names the customer", "désigne le client"),
    "overrides_title": (
        "Columns kept in spite of a warning or of being protected, and why",
        "Colonnes gardées malgré un avertissement ou une protection, et pourquoi",
    ),
    "none_listed": ("None.", "Aucune."),
    "no_findings_said": (
        "Neither the quality gate nor the examination of the model warned of anything.",
        "Ni le contrôle de qualité ni l'examen du modèle n'ont émis d'avertissement.",
    ),
    "findings_title": ("Findings", "Constats"),
    "col_severity": ("Severity", "Gravité"),
    "col_found": ("What is wrong", "Constat"),
    "col_next": ("What to do", "À faire"),
    "whole_table_said": ("the table", "la table"),
    "method_title": ("Method", "Méthode"),
    "no_budget": ("none", "aucun"),
    "threshold_between": (
        "{value}, with 95% confidence between {low} and {high}",
        "{value}, à 95 % entre {low} et {high}",
    ),
    "own_threshold": ("each customer's own", "propre à chaque client"),
    "never": ("never", "jamais"),
    "costs_title": ("What each outcome costs", "Ce que coûte chaque issue"),
    "costs_note": (
        "Declared by the project, per customer; formulas are over columns of the customer.",
        "Déclaré par le projet, par client ; les formules portent sur les colonnes du client.",
    ),
    "col_outcome": ("Outcome", "Issue"),
    "col_cost": ("Cost", "Coût"),
    "outcome_fp": ("a needless action", "une action inutile"),
    "outcome_fn": ("a missed positive", "un positif manqué"),
    "outcome_tp": ("acting on a positive", "agir sur un positif"),
    "outcome_tn": ("leaving a negative alone", "laisser un négatif"),
    "contenders_title": ("Contenders, judged out of fold", "Concurrents, jugés hors pli"),
    "contenders_note": (
        "Out of fold on the training rows, calibrated and priced; costs in {currency} per 1,000 customers, fits in "
        "seconds.",
        "Hors pli sur les lignes d'entraînement, calibrés et chiffrés ; coûts en {currency} pour 1 000 clients, "
        "ajustements en secondes.",
    ),
    "contenders_drawn_title": (
        "Expected cost of the contenders, {currency} per 1,000 customers",
        "Coût attendu des concurrents, {currency} pour 1 000 clients",
    ),
    "contenders_drawn_says": (
        "Costs with their intervals, candidates: {count}; {chosen} was chosen.",
        "Coûts avec leurs intervalles, candidats : {count} ; {chosen} a été retenu.",
    ),
    "col_contender": ("Candidate", "Candidat"),
    "col_fit": ("Seconds per fit", "Secondes par ajustement"),
    "col_chosen": ("Chosen", "Retenu"),
}
