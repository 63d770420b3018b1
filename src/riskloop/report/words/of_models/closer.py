"""The words of the model report about the closer look: calibration over time, segments, groups, importance, reasons."""

from __future__ import annotations

from riskloop.report.words.of_documents import Pairs

CLOSER: Pairs = {
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
    "col_measure": ("Measure", "Mesure"),
    "col_here": ("Here", "Ici"),
    "col_elsewhere": ("Elsewhere", "Ailleurs"),
    "weak_roc_auc": ("ROC-AUC short of its promise by", "ROC-AUC sous sa promesse de"),
    "weak_log_loss": ("log loss above its promise by", "perte logarithmique au-delà de sa promesse de"),
    "weak_calibration": ("positives that came per one expected", "positifs observés pour un attendu"),
    "weak_cost": ("cost per 1,000 beyond what was expected", "coût pour 1 000 au-delà de l'attendu"),
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
}
