"""The words of the data report, in English and in French."""

from __future__ import annotations

from riskloop.report.words.of_documents import Pairs

DATA: Pairs = {
    "skip": ("Skip to the report", "Aller au rapport"),
    "generated": ("Data report, made {when}", "Rapport sur les données, établi le {when}"),
    "contents": ("Contents", "Sommaire"),
    "overview": ("Overview", "Vue d'ensemble"),
    "rows": ("Rows", "Lignes"),
    "rows_note": (
        "{kept} kept, {quarantined} set aside by the quality gate",
        "gardées : {kept} ; écartées par le contrôle de qualité : {quarantined}",
    ),
    "columns": ("Columns", "Colonnes"),
    "columns_note": (
        "features: {features}; numbers: {numbers}, categories: {categories}",
        "variables : {features} ; nombres : {numbers}, catégories : {categories}",
    ),
    "positives": ("Positives", "Positifs"),
    "positives_note": ("{target} is {positive}", "{target} vaut {positive}"),
    "positives_comparison": ("{target}", "{target}"),
    "rate": ("Target rate", "Taux de positifs"),
    "rate_note": ("95% interval {low} to {high}", "intervalle à 95 % : de {low} à {high}"),
    "findings_tile": ("Findings", "Constats"),
    "findings_note": (
        "errors: {errors}, warnings: {warnings}, notes: {infos}",
        "erreurs : {errors}, avertissements : {warnings}, notes : {infos}",
    ),
    "split": ("How to split", "Comment découper"),
    "split_time": (
        "By event time (training.split: time): the test block is the latest part, as in use.",
        (
            "Par date d'événement (training.split: time) : le bloc de test est la partie la plus récente, comme à "
            "l'usage."
        ),
    ),
    "split_row_order": (
        (
            "If the rows are in time order, by that order (training.split: row_order): the target rate follows it, "
            "and a split at random would judge the model on times it has already seen."
        ),
        (
            "Si les lignes sont dans l'ordre du temps, selon cet ordre (training.split: row_order) : le taux de "
            "positifs le suit, et un découpage au hasard jugerait le modèle sur des périodes qu'il a déjà vues."
        ),
    ),
    "split_random": (
        "At random, stratified (training.split: random): the target rate does not follow the row order.",
        "Au hasard, stratifié (training.split: random) : le taux de positifs ne suit pas l'ordre des lignes.",
    ),
    "split_groups": (
        "Rows that share a customer, or every feature, with another: {repeated}; such rows stay on one side.",
        (
            "Lignes qui partagent un client, ou toutes les variables, avec une autre : {repeated} ; elles restent "
            "du même côté."
        ),
    ),
    "sampled_auc": (
        "ROC-AUC is computed over a random {rows} of them.",
        "La ROC-AUC est calculée sur {rows} d'entre elles, tirées au hasard.",
    ),
    "sampled_associations": (
        "Associations are computed over a random {rows} of them.",
        "Les associations sont calculées sur {rows} d'entre elles, tirées au hasard.",
    ),
    "computed": (
        "Counts, rates and statistics are over all {rows} kept rows.",
        "Effectifs, taux et statistiques portent sur toutes les lignes gardées, soit {rows}.",
    ),
    "settings": ("Settings", "Paramètres"),
    "fingerprint": ("Fingerprint of the data (sha256)", "Empreinte des données (sha256)"),
    "findings": ("Findings", "Constats"),
    "findings_more": ("Findings that are only in data.json: {count}.", "Autres constats, dans data.json : {count}."),
    "no_findings": ("Nothing was found to be wrong.", "Aucun défaut n'a été trouvé."),
    "severity": ("Severity", "Gravité"),
    "column": ("Column", "Colonne"),
    "found": ("What is wrong", "Constat"),
    "next_step": ("What to do", "À faire"),
    "error": ("Error", "Erreur"),
    "warning": ("Warning", "Avertissement"),
    "info": ("Note", "Note"),
    "whole_table": ("the table", "la table"),
    "glance": ("Features at a glance", "Les variables en bref"),
    "glance_note": (
        (
            "ROC-AUC alone says how much a feature knows by itself: 0.5 is nothing, 1 is everything. Above 0.95, "
            "make sure that it is known before the decision."
        ),
        (
            "La ROC-AUC seule dit combien une variable sait à elle seule : 0,5, rien ; 1, tout. Au-dessus de 0,95, "
            "vérifier qu'elle est connue avant la décision."
        ),
    ),
    "glance_more": ("Features that are only in data.json: {count}.", "Autres variables, dans data.json : {count}."),
    "feature": ("Feature", "Variable"),
    "type": ("Type", "Type"),
    "number": ("number", "nombre"),
    "category": ("category", "catégorie"),
    "date": ("date", "date"),
    "missing": ("Missing", "Absents"),
    "distinct": ("Distinct", "Distincts"),
    "alone": ("ROC-AUC alone", "ROC-AUC seule"),
    "features": ("Features by target", "Les variables selon la cible"),
    "features_note": (
        (
            "Dots are the target rate of each group with its 95% interval (Wilson), the dashed line is the rate of "
            "all rows, bars count rows."
        ),
        (
            "Les points sont le taux de positifs de chaque groupe avec son intervalle à 95 % (Wilson), la ligne "
            "pointillée est le taux de toutes les lignes, les barres comptent les lignes."
        ),
    ),
    "features_more": (
        "The {shown} features that know most are drawn; the other {count} are in data.json.",
        (
            "Les {shown} variables qui en savent le plus sont dessinées ; les autres, {count} en tout, sont dans "
            "data.json."
        ),
    ),
    "nothing": ("No cell is filled.", "Aucune cellule n'est remplie."),
    "feature_chart": (
        (
            "{name}: target rate and number of rows by value. The rate goes from {low} ({low_group}) to {high} "
            "({high_group}); all rows: {rate}."
        ),
        (
            "{name} : taux de positifs et nombre de lignes par valeur. Le taux va de {low} ({low_group}) à {high} "
            "({high_group}) ; toutes les lignes : {rate}."
        ),
    ),
    "group_table": ("Figures of {name}", "Chiffres de {name}"),
    "figures": ("Figures", "Chiffres"),
    "group": ("Group", "Groupe"),
    "interval": ("95% interval", "Intervalle à 95 %"),
    "all_missing": ("missing", "absent"),
    "unknown": ("not in the contract", "hors du contrat"),
    "rest": ("{count} other levels", "autres modalités : {count}"),
    "below": ("below {value}", "moins de {value}"),
    "from": ("from {value}", "{value} et plus"),
    "between": ("{low} to below {high}", "de {low} à moins de {high}"),
    "mean": ("Mean", "Moyenne"),
    "std": ("Std. deviation", "Écart-type"),
    "range": ("Range", "Étendue"),
    "quartiles": ("Quartiles", "Quartiles"),
    "zeros": ("Zeros", "Zéros"),
    "levels_unused": ("Levels without rows", "Modalités sans ligne"),
    "association": ("Features that go together", "Variables qui vont ensemble"),
    "association_note": (
        (
            "Two numbers: Spearman's rank correlation. A category with a category, or with a number cut at its "
            "deciles: Cramér's V, corrected for bias. Features close to 1 say nearly the same thing."
        ),
        (
            "Deux nombres : corrélation des rangs de Spearman. Une catégorie avec une catégorie, ou avec un nombre "
            "coupé à ses déciles : V de Cramér, corrigé du biais. Des variables proches de 1 disent presque la même"
            " chose."
        ),
    ),
    "association_most": (
        "Only the {count} features that know most by themselves are compared.",
        "Seules les {count} variables qui en savent le plus à elles seules sont comparées.",
    ),
    "no_pairs": (
        "No two features go together noticeably (all below {least}).",
        "Aucune paire de variables ne va nettement ensemble (toutes sous {least}).",
    ),
    "first": ("Feature", "Variable"),
    "second": ("goes with", "va avec"),
    "measure": ("Measure", "Mesure"),
    "strength": ("Strength", "Force"),
    "spearman": ("Spearman", "Spearman"),
    "cramers_v": ("Cramér's V", "V de Cramér"),
    "pairs": ("Strongest pairs", "Paires les plus fortes"),
    "map": ("Map of all pairs", "Carte de toutes les paires"),
    "map_note": (
        "A column reads downwards from the name at its upper end. The darker, the stronger.",
        "Une colonne se lit vers le bas depuis le nom à son extrémité haute. Plus c'est foncé, plus c'est fort.",
    ),
    "map_chart": (
        "Association of {count} features with each other; the strongest pairs are listed above.",
        "Association de {count} variables entre elles ; les paires les plus fortes sont listées plus haut.",
    ),
    "time": ("Target rate over time", "Le taux de positifs dans le temps"),
    "time_period": ("By event time.", "Par date d'événement."),
    "time_time_order": (
        "In {count} blocks of equal size, by event time; a block is named after its first day.",
        "En {count} blocs de même taille, par date d'événement ; un bloc porte le nom de son premier jour.",
    ),
    "time_row_order": (
        "In {count} blocks of equal size, in the order of the table: it has no event time.",
        "En {count} blocs de même taille, dans l'ordre de la table : elle n'a pas de date d'événement.",
    ),
    "time_steady": (
        "All intervals overlap: the rate is steady.",
        "Tous les intervalles se recouvrent : le taux est stable.",
    ),
    "time_moves": (
        "The rate moves from {low} ({low_group}) to {high} ({high_group}).",
        "Le taux va de {low} ({low_group}) à {high} ({high_group}).",
    ),
    "time_chart": (
        "Target rate by block, from {low} ({low_group}) to {high} ({high_group}); all rows: {rate}.",
        "Taux de positifs par bloc, de {low} ({low_group}) à {high} ({high_group}) ; toutes les lignes : {rate}.",
    ),
    "together": ("Missing together", "Absents ensemble"),
    "together_note": (
        "Sets of columns that are missing in the same rows, and no others with them.",
        "Ensembles de colonnes absentes sur les mêmes lignes, sans nulle autre avec elles.",
    ),
    "together_columns": ("Columns", "Colonnes"),
    "share": ("Share", "Part"),
    "and_more": ("and {count} more", "et d'autres : {count}"),
    "others": ("Columns that are not features", "Colonnes qui ne sont pas des variables"),
    "role": ("Role", "Rôle"),
    "role_target": ("target", "cible"),
    "role_id": ("customer", "client"),
    "role_time": ("event time", "date de l'événement"),
    "role_sensitive": ("sensitive: audited, never used", "protégée : auditée, jamais utilisée"),
    "role_unavailable": ("not known at the decision", "inconnue au moment de décider"),
    "role_other": ("not used", "non utilisée"),
    "block_rows": ("{low} to {high}", "{low} à {high}"),
    "kept": ("Rows kept", "Lignes gardées"),
    "quarantined": ("Rows set aside by the quality gate", "Lignes écartées par le contrôle de qualité"),
    "target": ("Target", "Cible"),
    "columns_used": ("Features", "Variables"),
}
