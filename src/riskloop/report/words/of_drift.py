"""The words of the drift report, in English and in French."""

from __future__ import annotations

from riskloop.report.words.of_documents import Pairs

DRIFT: Pairs = {
    "drift_report_title": ("Drift report: {name}, version {version}", "Rapport de dérive : {name}, version {version}"),
    "drift_subtitle": ("{what}, made {when}", "{what}, établi le {when}"),
    "drift_notice": (
        "Compared with the profile of the training rows in the version's bundle; no row of it is needed.",
        "Comparé au profil des lignes d'entraînement contenu dans le lot de la version ; aucune ligne n'est requise.",
    ),
    "verdict_stable": ("stable", "stable"),
    "verdict_season": ("of the season", "de saison"),
    "verdict_watch": ("to watch", "à surveiller"),
    "verdict_drifted": ("drifted", "en dérive"),
    # The verdict in one sentence
    "drift_nothing": ("Nothing moved", "Rien n'a bougé"),
    "drift_something": ("{count} of {all} columns moved", "{count} colonnes sur {all} ont bougé"),
    "drift_one": ("1 of {all} columns moved", "1 colonne sur {all} a bougé"),
    "drift_fallen": ("Decisions are worse than promised", "Les décisions sont moins bonnes que promis"),
    "drift_others": ("No column moved for sure", "Aucune colonne n'a bougé avec certitude"),
    "drift_head": ("{what}, estimated cost {change}{do}", "{what}, coût estimé {change}{do}"),
    "drift_head_bare": ("{what}{do}", "{what}{do}"),
    "do_stable": (".", "."),
    "do_watch": (": keep an eye on it.", " : à garder à l'œil."),
    "do_drifted": (": investigate.", " : enquêter."),
    # Reasons
    "reason_few_rows": (
        "Too few rows to judge: {rows}, where at least {least} are needed.",
        "Trop peu de lignes pour juger : {rows}, il en faut au moins {least}.",
    ),
    "reason_nothing_moved": (
        "None of {columns} columns moved beyond chance and far enough to matter, nor did scores or decisions.",
        "Aucune des {columns} colonnes n'a bougé au-delà du hasard et assez pour compter, ni scores ni décisions.",
    ),
    "reason_columns_moved": ("Moved ({count}): {names}.", "Ont bougé ({count}) : {names}."),
    "reason_strongly_moved": ("Moved strongly ({count}): {names}.", "Ont fortement bougé ({count}) : {names}."),
    "reason_columns_watched": (
        "Moved a little, beyond chance ({count}): {names}.",
        "Ont un peu bougé, au-delà du hasard ({count}) : {names}.",
    ),
    "reason_broken_rows": (
        "{rows} rows ({share}) break the contract and cannot be decided about.",
        "{rows} lignes ({share}) enfreignent le contrat et ne peuvent être décidées.",
    ),
    "reason_score_moved": (
        "The probabilities moved: PSI {psi}, where chance makes {chance}.",
        "Les probabilités ont bougé : PSI {psi}, là où le hasard donne {chance}.",
    ),
    "reason_score_watched": (
        "The probabilities moved a little: PSI {psi}, where chance makes {chance}.",
        "Les probabilités ont un peu bougé : PSI {psi}, là où le hasard donne {chance}.",
    ),
    "reason_decisions_moved": (
        "The share acted on went from {before} to {now}.",
        "La part concernée par une action est passée de {before} à {now}.",
    ),
    "reason_costlier": ("The expected cost grew by {change}.", "Le coût attendu a augmenté de {change}."),
    "reason_pairs_moved": (
        "Columns hang together otherwise than before ({count}): {names}.",
        "Des colonnes vont ensemble autrement qu'avant ({count}) : {names}.",
    ),
    "reason_repeated": (
        "Rows repeat each other: {before} before, {now} now.",
        "Des lignes se répètent : {before} auparavant, {now} maintenant.",
    ),
    "reason_season": (
        "Moved since training as in the same period of the past, no alarm ({count} columns): {names}.",
        "Ont bougé depuis l'entraînement comme à la même période par le passé, sans alerte ({count} colonnes) : "
        "{names}.",
    ),
    "reason_fallen_roc_auc": (
        "The realised ROC-AUC is {realised}, where {promised} was promised.",
        "Le ROC-AUC réalisé est de {realised}, là où {promised} était promis.",
    ),
    "reason_fallen_cost_per_thousand": (
        "The realised cost per 1,000 customers is {realised}, where {promised} was promised.",
        "Le coût réalisé pour 1 000 clients est de {realised}, là où {promised} était promis.",
    ),
    "reason_cost_moved": (
        "Expected cost per 1,000 customers: {per_thousand} {currency} ({change}).",
        "Coût attendu pour 1 000 clients : {per_thousand} {currency} ({change}).",
    ),
    "reason_cost_unmoved": (
        "The expected cost has not moved for sure: {per_thousand} {currency} per 1,000 customers ({change}).",
        "Le coût attendu n'a pas bougé avec certitude : {per_thousand} {currency} pour 1 000 clients ({change}).",
    ),
    "reason_segments_moved": (
        "Among segments by {column} these moved ({count}): {names}.",
        "Parmi les segments selon {column}, ont bougé ({count}) : {names}.",
    ),
    "reason_adverse_groups": (
        "Favourable decisions below four fifths of the best group's rate ({count}): {names}.",
        "Décisions favorables sous les quatre cinquièmes du taux du meilleur groupe ({count}) : {names}.",
    ),
    "reason_told_apart": (
        "A classifier tells these rows from the reference, ROC-AUC {auc}; by: {names}.",
        "Un classifieur distingue ces lignes de la référence, ROC-AUC {auc} ; par : {names}.",
    ),
    "moved_season": (
        "as in the same period of {windows} past windows",
        "comme à la même période de {windows} fenêtres passées",
    ),
    "moved_refused": ("breaks the contract: {before} to {now}", "enfreint le contrat : {before} puis {now}"),
    "moved_missing": ("missing: {before} to {now}", "absents : {before} puis {now}"),
    "moved_unknown": ("of no known level: {before} to {now}", "de niveau inconnu : {before} puis {now}"),
    "moved_frozen": ("frozen: always {value}", "figée : toujours {value}"),
    "moved_vanished": ("{level} has vanished ({before} before)", "{level} a disparu ({before} auparavant)"),
    "moved_level": ("{level}: {before} to {now}", "{level} : {before} puis {now}"),
    "moved_mean": ("mean {before} to {now} ({deviations} sd)", "moyenne {before} puis {now} ({deviations} é.-t.)"),
    "moved_variance": ("variance times {ratio}", "variance multipliée par {ratio}"),
    "moved_bin": ("{cell}: {before} to {now}", "{cell} : {before} puis {now}"),
    "moved_psi": ("PSI {psi}, by chance {chance}", "PSI {psi}, par hasard {chance}"),
    "moved_not": ("–", "–"),
    "moved_personal": ("(personal)", "(donnée personnelle)"),
    # Sections
    "drift_verdict_title": ("Verdict", "Verdict"),
    "fact_drift_verdict": ("Verdict", "Verdict"),
    "fact_moved_columns": ("Columns that moved", "Colonnes ayant bougé"),
    "fact_cost_change": ("Expected cost per 1,000, change", "Coût attendu pour 1 000, variation"),
    "fact_act_before_now": ("Acted on, before and now", "Part concernée, avant et maintenant"),
    "fact_rows_now": ("Rows", "Lignes"),
    "fact_rows_before": ("Rows of the reference", "Lignes de la référence"),
    "fact_rows_broken": ("Rows that break the contract", "Lignes enfreignant le contrat"),
    "fact_not_judged": ("Columns that were not there", "Colonnes absentes"),
    "drift_columns_title": ("Columns", "Colonnes"),
    "drift_columns_note": (
        "Of one verdict, what costs most stands first. Cost: what the expected cost would be if this column alone had "
        "moved. PSI, Jensen-Shannon and chi-square are over the reference's bins, rare ones put together; KS at their "
        "edges. A column has moved if it is significant after Benjamini and Hochberg and large enough to matter.",
        "À verdict égal, ce qui coûte le plus vient d'abord. Coût : ce que serait le coût attendu si cette seule "
        "colonne avait bougé. PSI, Jensen-Shannon et khi-deux portent sur les classes de la référence, les rares étant "
        "regroupées ; KS sur leurs bornes. Une colonne a bougé si l'écart est significatif après Benjamini et Hochberg "
        "et assez grand pour compter.",
    ),
    "drift_columns_table": ("{count} columns", "{count} colonnes"),
    "drift_statistics_table": ("Every statistic", "Toutes les statistiques"),
    "col_verdict": ("Verdict", "Verdict"),
    "col_what": ("What moved", "Ce qui a bougé"),
    "col_psi": ("PSI", "PSI"),
    "col_psi_chance": ("PSI by chance", "PSI par hasard"),
    "col_p": ("p", "p"),
    "col_adjusted": ("p adjusted", "p ajusté"),
    "col_ks": ("KS", "KS"),
    "col_js": ("Jensen-Shannon", "Jensen-Shannon"),
    "col_wasserstein": ("Wasserstein", "Wasserstein"),
    "col_chi_square": ("Chi-square", "Khi-deux"),
    "col_z": ("z of the mean", "z de la moyenne"),
    "col_variance_ratio": ("Variance ratio", "Rapport des variances"),
    "col_missing_now": ("Missing before, now", "Absents avant, maintenant"),
    "col_harm": ("Cost per 1,000", "Coût pour 1 000"),
    "col_before": ("Reference", "Référence"),
    "col_now": ("Now", "Maintenant"),
    "col_cell": ("Values", "Valeurs"),
    "drift_bins_title": ("{name}: share of rows by bin", "{name} : part des lignes par classe"),
    "drift_bins_says": (
        "{name}: the reference beside now, over {count} bins between quantiles of the reference.",
        "{name} : la référence et maintenant, sur {count} classes entre quantiles de la référence.",
    ),
    "drift_bins_across": ("upper end of the bin", "borne supérieure de la classe"),
    "drift_bins_up": ("share of rows", "part des lignes"),
    "drift_cells_title": ("{name}: rows by value", "{name} : lignes par valeur"),
    "cell_missing": ("missing", "absent"),
    "cell_unknown": ("of no known level", "de niveau inconnu"),
    "cell_up_to": ("up to {high}", "jusqu'à {high}"),
    "cell_between": ("{low} to {high}", "{low} à {high}"),
    "cell_above": ("above {low}", "au-delà de {low}"),
    "drift_scores_title": ("Scores and decisions", "Scores et décisions"),
    "drift_score_name": ("Probability", "Probabilité"),
    "drift_performance_title": ("Performance", "Performance"),
    "drift_performance_note": (
        "Promised: on the test block, when the version was trained. Estimated: from the probabilities alone, with the "
        "interval in which the realised value lies if the calibration still holds. Realised: on the {known} rows whose "
        "outcome is known. Brackets hold 95% intervals.",
        "Promis : sur le bloc de test, à l'entraînement. Estimé : d'après les seules probabilités, avec l'intervalle "
        "où tombe la valeur réalisée si le calibrage tient toujours. Réalisé : sur les {known} lignes dont l'issue est "
        "connue. Entre crochets : intervalles à 95 %.",
    ),
    "drift_performance_table": ("Promised, estimated, realised", "Promis, estimé, réalisé"),
    "col_promised": ("Promised", "Promis"),
    "col_estimated": ("Estimated", "Estimé"),
    "col_realised": ("Realised", "Réalisé"),
    "drift_confusion_table": ("Decisions, right and wrong", "Décisions, justes et fausses"),
    "col_rows_decided": ("Rows", "Lignes"),
    "metric_prevalence": ("share of positives", "part de positifs"),
    "drift_calibration_broken": (
        "The realised ROC-AUC or cost lies outside what was estimated: the calibration no longer holds, and only "
        "outcomes can tell how good the decisions are.",
        "Le ROC-AUC ou le coût réalisé sort de ce qui était estimé : le calibrage ne tient plus, et seules les issues "
        "disent ce que valent les décisions.",
    ),
    "drift_calibration_holds": (
        "Realised ROC-AUC and cost lie within what was estimated.",
        "ROC-AUC et coût réalisés tombent dans ce qui était estimé.",
    ),
    "drift_no_outcomes": (
        "No outcome is known yet: the estimate holds as long as the calibration does.",
        "Aucune issue n'est encore connue : l'estimation vaut tant que le calibrage tient.",
    ),
    "drift_limits_title": ("Thresholds and limits", "Seuils et limites"),
    "drift_thresholds_table": ("Thresholds", "Seuils"),
    "col_threshold_name": ("Threshold", "Seuil"),
    "col_why_threshold": ("Why", "Pourquoi"),
    "why_level": (
        "share of false ones among the columns called moved (Benjamini and Hochberg)",
        "part de fausses alertes parmi les colonnes dites mobiles (Benjamini et Hochberg)",
    ),
    "why_noise": (
        "quantile of the PSI that samples of these sizes show by chance, which PSI must exceed",
        "quantile du PSI que le hasard donne à ces effectifs, que le PSI doit dépasser",
    ),
    "why_watched_psi": (
        "PSI above chance, worth a look: a shift of the mean by .14 standard deviations",
        "PSI au-delà du hasard, à regarder : moyenne décalée de 0,14 écart-type",
    ),
    "why_moved_psi": ("the same, moved: a shift by .22", "de même, a bougé : décalage de 0,22"),
    "why_strong_psi": ("the same, moved strongly: a shift by .45", "de même, a fortement bougé : décalage de 0,45"),
    "why_watched_share": (
        "change of a share missing, unknown or refused, worth a look",
        "variation d'une part absente, inconnue ou refusée, à regarder",
    ),
    "why_moved_share": ("the same, moved", "de même, a bougé"),
    "why_strong_share": ("the same, moved strongly", "de même, a fortement bougé"),
    "why_moved_pair": (
        "change of the dependence of two columns, about that of their correlation, that has moved",
        "variation de la dépendance de deux colonnes, environ celle de leur corrélation, qui a bougé",
    ),
    "why_strong_pair": ("the same, moved strongly", "de même, a fortement bougé"),
    "why_watched_repeats": (
        "rise of the share of rows that repeat another, worth a look",
        "hausse de la part de lignes qui en répètent une autre, à regarder",
    ),
    "why_moved_repeats": (
        "the same, from which the table has drifted: a file loaded twice repeats half of its rows",
        "de même, dès laquelle la table dérive : un fichier chargé deux fois répète la moitié de ses lignes",
    ),
    "why_decisions": (
        "change of the share acted on, from which the table has drifted",
        "variation de la part concernée, dès laquelle la table dérive",
    ),
    "why_columns": (
        "moved columns from which the table has drifted; one that moved strongly suffices",
        "colonnes mobiles dès lesquelles la table dérive ; une seule suffit si elle a fortement bougé",
    ),
    "why_costlier": (
        "growth of the expected cost from which the table has drifted, if its interval is above 0",
        "hausse du coût attendu dès laquelle la table dérive, si son intervalle dépasse 0",
    ),
    "why_rows": ("rows below which nothing is judged", "lignes en deçà desquelles rien n'est jugé"),
    "why_cell": (
        "rows that a bin should hold in the smaller sample; rarer ones are counted together",
        "lignes qu'une classe doit contenir dans le plus petit échantillon ; les plus rares sont regroupées",
    ),
    "drift_not_joint": (
        "Columns are compared one by one, two by two in coarse cells, and together through the score. What moves only "
        "in three columns at once, and moves no score, is seen by a classifier alone (riskloop monitor --classifier).",
        "Les colonnes sont comparées une à une, deux à deux par classes larges, et ensemble par le score. Ce qui ne "
        "bouge qu'à trois colonnes à la fois, sans toucher au score, n'est vu que par un classifieur (riskloop monitor "
        "--classifier).",
    ),
    "drift_not_concept": (
        "Estimates take the calibration for granted. If the same customers have come to behave otherwise, only "
        "outcomes show it.",
        "Les estimations tiennent le calibrage pour acquis. Si les mêmes clients se comportent autrement, seules les "
        "issues le montrent.",
    ),
    "drift_out_of_fold": (
        "The reference's scores are those of the test block; rows that the model has learnt from are scored more "
        "surely than these, and look moved.",
        "Les scores de référence sont ceux du bloc de test ; des lignes apprises par le modèle sont notées avec plus "
        "d'assurance et paraissent avoir bougé.",
    ),
}
