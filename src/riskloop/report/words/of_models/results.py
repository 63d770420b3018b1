"""The words of the model report about the results: performance, decisions in money, cost curves, bands and tenths."""

from __future__ import annotations

from riskloop.report.words.of_documents import Pairs

RESULTS: Pairs = {
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
}
