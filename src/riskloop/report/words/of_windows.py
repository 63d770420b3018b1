"""The words of what the drift report tells over time, and beside: segments, groups, the classifier."""

from __future__ import annotations

from riskloop.report.words.of_documents import Pairs

WINDOWS: Pairs = {
    "drift_windows_title": ("Over time", "Au fil du temps"),
    "drift_windows_note": (
        "Each window beside training, and beside the same period of past windows where at least 3 are known. Windows "
        "begin at the time shown, in UTC.",
        "Chaque fenêtre face à l'entraînement, et face à la même période de fenêtres passées si au moins 3 sont "
        "connues. Les fenêtres débutent à l'heure indiquée, en UTC.",
    ),
    "drift_windows_table": ("{count} windows", "{count} fenêtres"),
    "col_rows": ("Rows", "Lignes"),
    "col_moved_columns": ("Moved", "Ont bougé"),
    "col_worst": ("Farthest", "La plus éloignée"),
    "col_act_rate": ("Acted on", "Part concernée"),
    "drift_psi_over_time": ("{name}: PSI above chance", "{name} : PSI au-delà du hasard"),
    "drift_psi_over_time_says": (
        "{name}: PSI above chance in {count} windows, the last {last}.",
        "{name} : PSI au-delà du hasard sur {count} fenêtres, {last} à la dernière.",
    ),
    "drift_over_time_across": ("begin of the window", "début de la fenêtre"),
    "drift_psi_up": ("PSI above chance", "PSI au-delà du hasard"),
    "drift_act_over_time": ("Share acted on", "Part concernée par une action"),
    "drift_cost_over_time": ("Estimated cost per 1,000 customers", "Coût estimé pour 1 000 clients"),
    "drift_line_says": (
        "{name} in {count} windows: from {first} to {last}.",
        "{name} sur {count} fenêtres : de {first} à {last}.",
    ),
    "drift_pairs_table": ("Columns that hang together otherwise", "Colonnes qui vont ensemble autrement"),
    "col_pair": ("Columns", "Colonnes"),
    "col_pair_effect": ("Effect", "Effet"),
    "col_correlation": ("Correlation of the cells, before and now", "Corrélation des classes, avant et maintenant"),
    "drift_beside_title": ("Segments, groups, classifier", "Segments, groupes, classifieur"),
    "drift_segments_table": (
        "Segments by {column}, beside training rows of the same level",
        "Segments selon {column}, face aux lignes d'entraînement du même niveau",
    ),
    "drift_segments_note": (
        "Columns alone are judged, false discoveries held over segments; a level with few rows, now or in training, is "
        "shown and not judged.",
        "Seules les colonnes sont jugées, fausses découvertes contenues sur l'ensemble des segments ; un niveau à peu "
        "de lignes, maintenant ou à l'entraînement, est montré sans être jugé.",
    ),
    "col_rows_training": ("In training", "À l'entraînement"),
    "segment_not_judged": ("not judged", "non jugé"),
    "drift_groups_table": ("Favourable decisions by group", "Décisions favorables par groupe"),
    "drift_groups_note": (
        "Ratio: over the rate of the group that is best over all windows, with its 95% interval; below .80 beyond "
        "noise the four-fifths rule is broken.",
        "Rapport : au taux du groupe le meilleur sur l'ensemble des fenêtres, intervalle à 95 % ; sous 0,80 au-delà du "
        "bruit, la règle des quatre cinquièmes est enfreinte.",
    ),
    "col_adverse": ("Four fifths", "Quatre cinquièmes"),
    "adverse_yes": ("broken", "enfreinte"),
    "adverse_no": ("kept", "respectée"),
    "classifier_unreachable": (
        "No classifier: neither the training table nor earlier predictions can be reached, so that there are no rows "
        "to compare with.",
        "Pas de classifieur : ni la table d'entraînement ni des prédictions antérieures ne sont accessibles, il n'y a "
        "pas de lignes à comparer.",
    ),
    "classifier_few_rows": (
        "No classifier: it needs at least 100 rows of either side, and a column to tell them by.",
        "Pas de classifieur : il lui faut au moins 100 lignes de chaque côté, et une colonne pour les distinguer.",
    ),
    "classifier_told": (
        "A classifier tells {rows} rows from {reference} reference rows ({origin}) with a ROC-AUC of {auc}; .5 means "
        "no joint drift.",
        "Un classifieur distingue {rows} lignes de {reference} lignes de référence ({origin}) avec un ROC-AUC de {auc}"
        " ; 0,5 signifie aucune dérive conjointe.",
    ),
    "classifier_by": ("What tells them apart: {names}.", "Ce qui les distingue : {names}."),
    "classifier_left_out": (
        "Left out, since they name or date a row: {names}.",
        "Laissées de côté, car elles nomment ou datent une ligne : {names}.",
    ),
    "origin_training": ("training table", "table d'entraînement"),
    "origin_ledger": ("earlier predictions", "prédictions antérieures"),
    "drift_by_day": (
        "Rows come by day ({days} days): they count as no more than their days tell, by block bootstrap.",
        "Les lignes viennent par jour ({days} jours) : elles comptent pour ce que leurs jours en disent, par bootstrap "
        "par blocs.",
    ),
}
