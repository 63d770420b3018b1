"""The words of the model report, in English and in French."""

from __future__ import annotations

from riskloop.report.words.of_documents import Pairs

MODELS: Pairs = {
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
    "severity_error": ("error", "erreur"),
    "severity_warning": ("warning", "avertissement"),
    "severity_info": ("note", "note"),
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
    "performance_title": ("Performance on the untouched test block", "Performance sur le bloc de test intact"),
    "performance_note": (
        "The block was read once, after every choice was made.",
        "Le bloc a été lu une seule fois, après tous les choix.",
    ),
    "metrics_title": ("Metrics with their intervals", "Mesures et leurs intervalles"),
    "metrics_note": (
        "F1, precision, recall and cost are those of the decisions taken. The interval of the cost differs a little "
        "from that under money: each has resamples of its own.",
        "F1, précision, rappel et coût sont ceux des décisions prises. L'intervalle du coût diffère un peu de celui "
        "des politiques : chacun a ses rééchantillonnages.",
    ),
    "col_metric": ("Metric", "Mesure"),
    "col_test": ("Test block", "Bloc de test"),
    "col_out_of_fold": ("Out of fold", "Hors pli"),
    "metric_accuracy": ("Accuracy", "Exactitude"),
    "metric_precision": ("Precision", "Précision"),
    "metric_recall": ("Recall", "Rappel"),
    "metric_f1": ("F1", "F1"),
    "metric_roc_auc": ("ROC-AUC", "ROC-AUC"),
    "metric_pr_auc": ("PR-AUC", "PR-AUC"),
    "metric_brier": ("Brier score", "Score de Brier"),
    "metric_log_loss": ("Log loss", "Perte logarithmique"),
    "metric_ks": ("Kolmogorov-Smirnov", "Kolmogorov-Smirnov"),
    "metric_gini": ("Gini", "Gini"),
    "metric_lift_10": ("Lift of the first tenth", "Lift du premier dixième"),
    "metric_calibration_error": ("Calibration error", "Erreur de calibration"),
    "metric_calibration_slope": ("Calibration slope (ideally 1)", "Pente de calibration (idéal 1)"),
    "metric_calibration_intercept": ("Calibration intercept (ideally 0)", "Ordonnée de calibration (idéal 0)"),
    "metric_cost_per_thousand": ("Cost per 1,000 customers", "Coût pour 1 000 clients"),
    "metric_act_rate": ("Share acted on", "Part concernée par une action"),
    "metric_composite": ("Composite of ROC-AUC, F1, recall, precision", "Composé de ROC-AUC, F1, rappel, précision"),
    "money_title": ("Decisions in money", "Les décisions en argent"),
    "money_note": (
        "What the policies would have cost on the same customers of the test block.",
        "Ce que les politiques auraient coûté sur les mêmes clients du bloc de test.",
    ),
    "policies_drawn_title": (
        "Cost of the policies, {currency} per 1,000 customers",
        "Coût des politiques, {currency} pour 1 000 clients",
    ),
    "policies_drawn_says": ("Costs with their intervals. {costs}.", "Coûts avec leurs intervalles. {costs}."),
    "policies_title": ("Policies beside each other, in {currency}", "Les politiques côte à côte, en {currency}"),
    "policies_note": (
        "The difference is to the policy of this version, per 1,000 customers: above 0 this version is cheaper.",
        "La différence est prise avec la politique de cette version, pour 1 000 clients : au-dessus de 0, cette "
        "version coûte moins.",
    ),
    "col_policy": ("Policy", "Politique"),
    "col_threshold": ("Threshold", "Seuil"),
    "col_acts": ("Acts on", "Agit sur"),
    "col_total": ("Total on the block", "Total sur le bloc"),
    "col_difference": ("Difference", "Différence"),
    "policy_chosen": ("this version", "cette version"),
    "policy_act_on_all": ("act on all", "agir sur tous"),
    "policy_act_on_none": ("act on none", "n'agir sur personne"),
    "policy_at_0.5": ("this model at 0.5", "ce modèle à 0,5"),
    "policy_bayes": ("the Bayes threshold", "au seuil de Bayes"),
    "policy_champion": ("the champion then", "le champion d'alors"),
    "confusions_title": ("Right and wrong decisions, customers", "Décisions justes et fausses, clients"),
    "scores_title": ("Decisions by score", "Décisions par score"),
    "scores_says": (
        "Right and wrong decisions about positives and negatives, by foreseen probability, on square-root scales.",
        "Décisions justes et fausses sur positifs et négatifs, par probabilité prévue, en racine carrée.",
    ),
    "scores_positives": ("Positives", "Positifs"),
    "scores_negatives": ("Negatives", "Négatifs"),
    "scores_across": ("probability foreseen", "probabilité prévue"),
    "scores_table_title": ("Figures of the decisions by score", "Chiffres des décisions par score"),
    "cost_curve_title": ("Cost by threshold", "Coût selon le seuil"),
    "cost_curve_says": (
        "What one threshold for all would have cost per 1,000 customers. The cheapest on these customers ({best}) "
        "would have cost {least}; the decisions taken cost {cost}.",
        "Ce qu'un même seuil pour tous aurait coûté pour 1 000 clients. Le moins cher sur ces clients ({best}) aurait "
        "coûté {least} ; les décisions prises ont coûté {cost}.",
    ),
    "cost_curve_line": ("one threshold for all", "un même seuil pour tous"),
    "cost_curve_across": ("threshold (acting from this probability on)", "seuil (agir à partir de cette probabilité)"),
    "cost_curve_table_title": (
        "Figures of the cost by threshold, {currency} per 1,000 customers",
        "Chiffres du coût selon le seuil, {currency} pour 1 000 clients",
    ),
    "mark_one": (
        "The dashed vertical line is the threshold chosen, {threshold}.",
        "La ligne verticale pointillée est le seuil retenu, {threshold}.",
    ),
    "mark_own": (
        "Thresholds are each customer's own; the dashed vertical line is the one that would be best for all, "
        "{threshold}.",
        "Les seuils sont propres à chaque client ; la ligne verticale pointillée est celui qui serait le meilleur pour "
        "tous, {threshold}.",
    ),
    "no_curves": (
        "Costs by threshold and decisions by score cannot be drawn: the bundle is of an earlier riskloop, which did "
        "not keep them. Versions trained from now on have them.",
        "Coûts selon le seuil et décisions par score ne peuvent être dessinés : le lot est d'un riskloop antérieur, "
        "qui ne les gardait pas. Les versions entraînées désormais les ont.",
    ),
    "sensitivity_title": ("If the costs were others", "Si les coûts étaient autres"),
    "sweep_right": (
        "A missed positive is taken to cost {ratio} needless actions; the decisions are right for ratios from {low} to "
        "{high}.",
        "Un positif manqué est censé coûter {ratio} actions inutiles ; les décisions sont justes pour des rapports de "
        "{low} à {high}.",
    ),
    "sweep_not_right": (
        "A missed positive is taken to cost {ratio} needless actions; other thresholds than those chosen would have "
        "been "
        "cheaper on these customers.",
        "Un positif manqué est censé coûter {ratio} actions inutiles ; d'autres seuils auraient coûté moins sur ces "
        "clients.",
    ),
    "sweep_none": (
        "Up to {ratio}, leaving everybody alone is as cheap.",
        "Jusqu'à {ratio}, n'agir sur personne coûte aussi peu.",
    ),
    "sweep_all": (
        "From {ratio} on, acting on everybody is as cheap.",
        "À partir de {ratio}, agir sur tous coûte aussi peu.",
    ),
    "sweep_title": (
        "Cost when a missed positive costs more or less, {currency} per 1,000 customers",
        "Coût quand un positif manqué coûte plus ou moins, {currency} pour 1 000 clients",
    ),
    "sweep_across": ("cost of a missed positive, in needless actions", "coût d'un positif manqué, en actions inutiles"),
    "sweep_up": ("{currency} per 1,000", "{currency} pour 1 000"),
    "sweep_mark": (
        "The dashed vertical line is the ratio declared.",
        "La ligne verticale pointillée est le rapport déclaré.",
    ),
    "sweep_kept": ("these decisions", "ces décisions"),
    "sweep_adapted": ("made for the ratio", "faites pour ce rapport"),
    "sweep_act_on_all": ("act on all", "agir sur tous"),
    "sweep_act_on_none": ("act on none", "sur personne"),
    "sweep_table_title": (
        "Figures by ratio of the costs, {currency} per 1,000 customers",
        "Chiffres par rapport des coûts, {currency} pour 1 000 clients",
    ),
    "col_ratio": ("Ratio", "Rapport"),
    "bands_title": ("Risk bands", "Classes de risque"),
    "bands_table_title": (
        "Risk bands on the test block; costs in {currency} per 1,000 customers",
        "Classes de risque sur le bloc de test ; coûts en {currency} pour 1 000 clients",
    ),
    "col_band": ("Band", "Classe"),
    "col_probability": ("Probability", "Probabilité"),
    "col_customers": ("Customers", "Clients"),
    "col_foreseen": ("Foreseen", "Prévu"),
    "col_came": ("Came", "Observé"),
    "col_cost_here": ("Cost", "Coût"),
    "band_low": ("low", "faible"),
    "band_medium": ("medium", "moyen"),
    "band_high": ("high", "élevé"),
    "tenths_title": (
        "Lift and gain by tenths, the riskiest first",
        "Lift et gain par dixièmes, les plus risqués d'abord",
    ),
    "col_tenth": ("Tenth", "Dixième"),
    "col_lowest": ("Lowest probability", "Probabilité la plus basse"),
    "col_lift": ("Lift", "Lift"),
    "col_gained": ("Positives so far", "Positifs cumulés"),
    "calibration_title": ("Calibration, and how it holds over time", "Calibration, et sa tenue dans le temps"),
    "in_the_large": (
        "{ratio} positives came for each one expected.",
        "Il est venu {ratio} positif pour chaque positif attendu.",
    ),
    "iid": (
        "Random folds would have promised a cost of {promised} and ROC-AUC {ranked}; later customers, of whom "
        "{after} were "
        "positives and not {before}, brought {came} and {ranks}:",
        "Des plis au hasard auraient promis un coût de {promised} et une ROC-AUC de {ranked} ; les clients "
        "suivants, dont "
        "{after} de positifs et non {before}, ont donné {came} et {ranks} :",
    ),
    "iid_same": ("the same cost within noise.", "le même coût, au bruit près."),
    "iid_good": ("the promise was too good to be true.", "la promesse était trop belle."),
    "iid_bad": ("the promise was worse than what came.", "la promesse était pire que la suite."),
    "no_order": (
        "The rows have no order in time: whether the model holds over time is not known.",
        "Les lignes n'ont pas d'ordre dans le temps : la tenue du modèle dans le temps n'est pas connue.",
    ),
    "few_periods": (
        "There are too few periods with both outcomes to judge stability.",
        "Trop peu de périodes ont les deux issues pour juger la stabilité.",
    ),
    "stability": (
        "Gini over {count} periods: mean {mean}, slope {slope} a {unit}; stability score {score}.",
        "Gini sur {count} périodes : moyenne {mean}, pente {slope} par {unit} ; score de stabilité {score}.",
    ),
    "unit_week": ("week", "semaine"),
    "unit_period": ("period", "période"),
    "reliability_title": (
        "Probability foreseen and share of positives that came",
        "Probabilité prévue et part observée",
    ),
    "reliability_says": (
        "{count} groups of customers with 95% intervals; on the dashed line, what was foreseen came. Square-root "
        "scales.",
        "{count} groupes de clients avec intervalles à 95 % ; sur la ligne pointillée, l'observé est le prévu. "
        "Échelles en "
        "racine carrée.",
    ),
    "reliability_table_title": ("Figures by foreseen probability", "Chiffres par probabilité prévue"),
    "over_time_title": ("Gini by period", "Gini par période"),
    "over_time_across": ("period", "période"),
    "over_time_table_title": ("Figures by period", "Chiffres par période"),
    "col_period": ("Period", "Période"),
    "col_positives": ("Positives", "Positifs"),
    "col_test_share": ("In the test block", "Dans le bloc de test"),
    "col_ratio_came": ("Came per one expected", "Observé pour un attendu"),
    "segments_title": ("Weak segments", "Segments faibles"),
    "segments_note": (
        "Groups for whom the model is worse than for the others beyond noise, out of fold.",
        "Groupes pour lesquels le modèle est moins bon que pour les autres au-delà du bruit, hors pli.",
    ),
    "no_segments": ("None was found.", "Aucun n'a été trouvé."),
    "segments_table_title": ("Weak segments, the clearest first", "Segments faibles, les plus nets d'abord"),
    "col_segment": ("Segment", "Segment"),
    "col_measure": ("Measure", "Mesure"),
    "col_here": ("Here", "Ici"),
    "col_elsewhere": ("Elsewhere", "Ailleurs"),
    "measure_roc_auc": ("ROC-AUC short of its promise by", "ROC-AUC sous sa promesse de"),
    "measure_log_loss": ("log loss above its promise by", "perte logarithmique au-delà de sa promesse de"),
    "measure_calibration": ("positives that came per one expected", "positifs observés pour un attendu"),
    "measure_cost": ("cost per 1,000 beyond what was expected", "coût pour 1 000 au-delà de l'attendu"),
    "fairness_title": ("Groups of customers", "Groupes de clients"),
    "fairness_none": (
        "The project names no protected attribute: nothing is known about groups.",
        "Le projet ne nomme aucun attribut protégé : rien n'est connu sur les groupes.",
    ),
    "fairness_absent": (
        "The protected attributes {columns} were not in the training table: nothing is known about groups.",
        "Les attributs protégés {columns} n'étaient pas dans la table : rien n'est connu sur les groupes.",
    ),
    "fairness_note": (
        "The favourable decision is “{favourable}”. Groups of fewer than {least} customers, not judged: {small}.",
        "La décision favorable est « {favourable} ». Groupes de moins de {least} clients, non jugés : {small}.",
    ),
    "group_above": (
        "{attribute}: favourable decisions for {level} come at {ratio} of the best group's rate, above four fifths.",
        "{attribute} : les décisions favorables pour {level} sont à {ratio} du taux du meilleur groupe, au-dessus "
        "de quatre "
        "cinquièmes.",
    ),
    "group_noise": (
        "{attribute}: favourable decisions for {level} come at {ratio} of the best group's rate, below four fifths, "
        "within "
        "noise.",
        "{attribute} : les décisions favorables pour {level} sont à {ratio} du taux du meilleur groupe, sous quatre "
        "cinquièmes, au bruit près.",
    ),
    "group_adverse": (
        "{attribute}: favourable decisions for {level} come at {ratio} of the best group's rate, below four fifths "
        "beyond "
        "noise.",
        "{attribute} : les décisions favorables pour {level} sont à {ratio} du taux du meilleur groupe, sous quatre "
        "cinquièmes au-delà du bruit.",
    ),
    "groups_small": ("No group is large enough to be judged.", "Aucun groupe n'est assez grand pour être jugé."),
    "alternative": (
        "{name} would raise the least ratio from {now} to {least} at {cost} per 1,000 customers.",
        "{name} porterait le rapport le plus bas de {now} à {least}, pour {cost} pour 1 000 clients.",
    ),
    "groups_title": ("Groups on the test block", "Groupes sur le bloc de test"),
    "col_group": ("Group", "Groupe"),
    "col_favourable": ("Favourable decisions", "Décisions favorables"),
    "col_of_best": ("Of the best rate", "Rapport au meilleur taux"),
    "col_tpr": ("Acted on if positive", "Action si positif"),
    "col_fpr": ("Acted on if negative", "Action si négatif"),
    "proxies_title": ("Features that tell a group from the others", "Variables qui distinguent un groupe des autres"),
    "importance_title": ("What the model relies on", "Ce sur quoi s'appuie le modèle"),
    "importance_note": (
        "Growth of the log loss on the test block when a feature is shuffled. It says what the model uses, not what "
        "causes "
        "an outcome.",
        "Hausse de la perte logarithmique sur le bloc de test quand une variable est mélangée. Elle dit ce que le "
        "modèle "
        "utilise, non ce qui cause une issue.",
    ),
    "importance_drawn_title": (
        "Growth of the log loss when a feature is shuffled",
        "Hausse de la perte quand on mélange",
    ),
    "importance_says": ("Most relied on: {names}.", "Les plus utilisées : {names}."),
    "importance_table_title": ("Figures of all features", "Chiffres de toutes les variables"),
    "col_growth": ("Growth of the log loss", "Hausse de la perte"),
    "col_share": ("Mean size in log-odds", "Taille moyenne en log-cote"),
    "reasons_title": ("Why a single customer is decided about so", "Pourquoi un client est décidé ainsi"),
    "reasons_note": (
        "What a feature adds to a customer's log-odds, beside customers who got the better decision. It says what "
        "the model weighs, not what causes an outcome.",
        "Ce qu'une variable ajoute à la log-cote d'un client, comparé à des clients ayant eu la meilleure décision. "
        "Cela dit ce que pèse le modèle, non ce qui cause une issue.",
    ),
    "reasons_said": (
        "at most {most}, those that push most towards the unfavourable decision, exact for every family",
        "{most} au plus, ceux qui poussent le plus vers la décision défavorable, exacts pour toute famille",
    ),
    "baseline_said": (
        "{count} customers of nobody: real values, in combinations that are not",
        "{count} clients de personne : valeurs réelles, combinaisons qui ne le sont pas",
    ),
    "none_barred": ("none is barred", "aucune n'est exclue"),
    "reason_words_said": (
        "sentences in English and French, kept in the ledger with the decision; table of texts: version {version}",
        "phrases en anglais et en français, gardées au registre avec la décision ; table des textes : version "
        "{version}",
    ),
    "barred": ("never", "jamais"),
    "limits_title": ("Limits", "Limites"),
    "limits_note": ("Derived from the facts of this version.", "Déduites des faits de cette version."),
    "limit_refused": (
        "The gate refused it ({checks}): it must not lead without an override and its reason.",
        "Le contrôle l'a refusé ({checks}) : il ne doit pas être mis en service sans dérogation motivée.",
    ),
    "limit_worth": (
        "It is not shown to be cheaper than a policy without a model.",
        "Il n'est pas établi qu'il coûte moins qu'une politique sans modèle.",
    ),
    "limit_level": (
        "Its level is off: {ratio} positives came for each one expected.",
        "Son niveau est décalé : il est venu {ratio} positif pour chaque positif attendu.",
    ),
    "limit_threshold": (
        "On the test block other thresholds would have been cheaper.",
        "Sur le bloc de test, d'autres seuils auraient coûté moins.",
    ),
    "limit_ratio": (
        "Its decisions are right while a missed positive costs {low} to {high} needless actions; beyond, train "
        "again with "
        "the new costs.",
        "Ses décisions sont justes tant qu'un positif manqué coûte {low} à {high} actions inutiles ; au-delà, "
        "réentraîner "
        "avec les nouveaux coûts.",
    ),
    "limit_positives": (
        "The test block has fewer than {few} positives ({count}): its figures are rough.",
        "Le bloc de test a moins de {few} positifs ({count}) : ses chiffres sont grossiers.",
    ),
    "limit_random": (
        "The test block was drawn at random: how the model does on later customers has not been shown.",
        "Le bloc de test a été tiré au hasard : la tenue sur des clients ultérieurs n'est pas établie.",
    ),
    "limit_latest": (
        "It was judged on the {count} latest rows; how long it holds after them is not known.",
        "Il a été jugé sur les {count} lignes les plus récentes ; sa tenue au-delà n'est pas connue.",
    ),
    "limit_findings": (
        "Warnings about data or model that stand: {count} (see the data).",
        "Avertissements ouverts sur les données ou le modèle : {count} (voir les données).",
    ),
    "limit_overrides": (
        "Columns are used in spite of a warning or of being protected: {names}.",
        "Des colonnes sont utilisées malgré un avertissement ou une protection : {names}.",
    ),
    "limit_sample": (
        "It learnt from a sample of about {count} rows.",
        "Il a appris d'un échantillon d'environ {count} lignes.",
    ),
    "limit_segments": (
        "Segments for which it is worse than for the others: {count}; most clearly {worst}.",
        "Segments pour lesquels il est moins bon : {count} ; le plus nettement {worst}.",
    ),
    "limit_no_audit": (
        "Its decisions were not audited by groups of customers.",
        "Ses décisions n'ont pas été auditées par groupe de clients.",
    ),
    "limit_adverse": (
        "Favourable decisions come clearly less often for {names}.",
        "Les décisions favorables sont nettement plus rares pour {names}.",
    ),
    "limit_proxy": (
        "{feature} tells {group} from the others (ROC-AUC {auc}): leaving the attribute out does not keep it out of "
        "the decision.",
        "{feature} distingue {group} des autres (ROC-AUC {auc}) : écarter l'attribut ne l'écarte pas de la décision.",
    ),
    "limit_small": (
        "Groups of fewer than {least} customers, which could not be judged: {count}.",
        "Groupes de moins de {least} clients, qui n'ont pu être jugés : {count}.",
    ),
    "limit_review": (
        "Reviews are priced as if reviewers were right in {accuracy} of the cases; that is a declaration, not a "
        "measurement.",
        "Les examens sont chiffrés comme si les examinateurs avaient raison dans {accuracy} des cas ; c'est une "
        "déclaration, "
        "non une mesure.",
    ),
    "limit_reasons": (
        "The bundle carries no reason codes: a single decision is not explained by it.",
        "Le lot ne porte pas de codes de motif : il n'explique pas une décision isolée.",
    ),
    "limit_outside": (
        "A customer unlike the training rows, in values or in kind, gets a probability all the same.",
        "Un client différent des lignes d'entraînement, par ses valeurs ou sa nature, reçoit tout de même une "
        "probabilité.",
    ),
    "monitoring_title": ("What is watched", "Ce qui est suivi"),
    "watch_ledger": (
        "Every decision of the service is in the ledger before the answer leaves: version, digest, probability, "
        "decision.",
        "Chaque décision du service est au registre avant que la réponse parte : version, empreinte, probabilité, "
        "décision.",
    ),
    "watch_outcomes": (
        "Outcomes that come later are matched to those decisions (riskloop outcomes).",
        "Les issues venues plus tard sont rapprochées de ces décisions (riskloop outcomes).",
    ),
    "watch_contract": (
        "A row that breaks the contract is refused with the reason, in files and over HTTP alike.",
        "Une ligne contraire au contrat est refusée avec le motif, dans les fichiers comme par HTTP.",
    ),
    "watch_metrics": (
        "The service counts requests, decisions and probabilities by version (GET /metrics).",
        "Le service compte requêtes, décisions et probabilités par version (GET /metrics).",
    ),
    "watch_counts": (
        "Decisions and outcomes so far can be asked for (GET /monitoring).",
        "Décisions et issues à ce jour se consultent (GET /monitoring).",
    ),
    "watch_profile": (
        "The bundle holds a reference profile of the training rows, columns and scores, and none of the rows.",
        "Le lot contient un profil de référence des lignes d'entraînement, colonnes et scores, sans aucune ligne.",
    ),
    "watch_drift": (
        "riskloop monitor compares a batch or the ledger with that profile: what moved, and what it costs.",
        "riskloop monitor compare un lot de clients ou le registre à ce profil : ce qui a bougé, et ce que cela coûte.",
    ),
    "gate_title": ("Promotion gate", "Contrôle de mise en service"),
    "gate_note": (
        "What the version had to show before it may lead, with the limits of the day it was trained.",
        "Ce que la version devait montrer avant d'être mise en service, avec les limites du jour de l'entraînement.",
    ),
    "gate_table_title": ("Checks of the gate", "Contrôles"),
    "col_check": ("Check", "Contrôle"),
    "col_value": ("Value", "Valeur"),
    "col_limit": ("Limit", "Limite"),
    "col_passed": ("Passed", "Réussi"),
    "col_message": ("In words", "En mots"),
    "history_title": ("Who let it lead", "Qui l'a mis en service"),
    "history_table_title": ("Events about this version", "Événements de cette version"),
    "no_events": (
        "The promotion log names this version nowhere: it has never led.",
        "Le journal ne nomme pas cette version : elle n'a jamais été en service.",
    ),
    "col_event": ("Event", "Événement"),
    "col_when": ("When", "Quand"),
    "col_kind": ("What", "Quoi"),
    "col_actor": ("Who", "Qui"),
    "col_approver": ("Approved by", "Approuvé par"),
    "col_reason": ("Why", "Pourquoi"),
    "col_hash": ("Hash", "Empreinte"),
    "kind_requested": ("requested", "demandé"),
    "kind_rejected": ("rejected", "rejeté"),
    "kind_promoted": ("promoted", "mis en service"),
    "kind_overridden": ("promoted against the gate", "mis en service malgré le contrôle"),
    "kind_rolled_back": ("rolled back to", "repris"),
    "kind_challenged": ("named challenger", "nommé challenger"),
    "kind_withdrawn": ("withdrawn", "retiré"),
    "log_whole": (
        "whole: its hashes were computed again, {count} in all",
        "intègre : ses empreintes ont été recalculées, {count} en tout",
    ),
    "log_broken": ("BROKEN{why}", "ROMPU{why}"),
    "signed_with": ("Ed25519, verified when this was written", "Ed25519, vérifiée à l'écriture de ce document"),
    "reproduce_title": ("How to check it", "Comment le vérifier"),
    "reproduce_note": (
        "The same table and the same libraries make the same bundle; the command says what differs if they do not.",
        "La même table et les mêmes bibliothèques font le même lot ; sinon la commande dit ce qui diffère.",
    ),
    "libraries_title": ("Libraries whose arithmetic is in the bundle", "Bibliothèques dont le calcul est dans le lot"),
    "col_library": ("Library", "Bibliothèque"),
    "col_version": ("Version", "Version"),
}
