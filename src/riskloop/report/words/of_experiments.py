"""The words of the experiment report, in English and in French."""

from __future__ import annotations

from riskloop.report.words.of_documents import Pairs

EXPERIMENTS: Pairs = {
    "experiment_title": (
        "Experiment: {name}, version {challenger} beside {champion}",
        "Expérience : {name}, version {challenger} à côté de {champion}",
    ),
    "experiment_subtitle": ("Since {since}, made {when}", "Depuis le {since}, établi le {when}"),
    "experiment_notice": (
        "The interval holds on all days at once: it may be looked at as often as one likes.",
        "L'intervalle vaut pour tous les jours à la fois : on peut le regarder aussi souvent que l'on veut.",
    ),
    "experiment_verdict_title": ("What the challenger saves", "Ce que le challenger fait gagner"),
    "experiment_promote": (
        "The challenger saves {saves} per customer: promote.",
        "Le challenger fait gagner {saves} par client : le mettre en service.",
    ),
    "experiment_stop": (
        "The challenger costs more, {costs} per customer: stop.",
        "Le challenger coûte plus cher, {costs} par client : arrêter.",
    ),
    "experiment_undecided": (
        "Not decided yet: {costs} per customer.",
        "Pas encore tranché : {costs} par client.",
    ),
    "experiment_more": ("About {days} days more.", "Encore environ {days} jours."),
    "experiment_nothing": ("No outcome counts yet.", "Aucune issue ne compte encore."),
    "experiment_off": (
        "{found} of the customers came to the challenger, {meant} were meant: find the reason before trusting a "
        "difference.",
        "{found} des clients sont allés au challenger, {meant} étaient prévus : en trouver la raison avant de se fier "
        "à une différence.",
    ),
    "experiment_days_title": ("Day by day", "Jour après jour"),
    "experiment_figure": ("Difference in cost per customer", "Différence de coût par client"),
    "experiment_figure_says": (
        "The difference of the challenger from the champion over {count} days, between the ends of its interval.",
        "La différence du challenger au champion sur {count} jours, entre les bornes de son intervalle.",
    ),
    "experiment_across": ("day", "jour"),
    "experiment_up": ("{money} per customer", "{money} par client"),
    "experiment_low": ("surely above", "sûrement au-dessus"),
    "experiment_high": ("surely below", "sûrement en dessous"),
    "experiment_value": ("difference", "différence"),
    "experiment_table": ("Cost per customer by arm, all customers so far", "Coût par client et par bras, cumulés"),
    "col_until": ("Until", "Jusqu'au"),
    "col_champion": ("Champion", "Champion"),
    "col_challenger": ("Challenger", "Challenger"),
    "experiment_counted_title": ("Who counts", "Qui compte"),
    "experiment_terms_title": ("Terms, fixed at the start", "Règles, fixées au départ"),
    "fact_assigned": ("Customers, champion / challenger", "Clients, champion / challenger"),
    "fact_told": ("Outcomes known", "Issues connues"),
    "fact_differing": ("Decided differently by the two", "Décidés différemment par les deux"),
    "fact_split_found": ("Share of the challenger, as it came", "Part du challenger, observée"),
    "fact_split_p": ("p-value of the split, at all times", "Valeur p de la répartition, à tout moment"),
    "fact_mixed": ("Answered by both arms", "Servis par les deux bras"),
    "fact_fallback": ("The challenger's, answered by the champion", "Du challenger, servis par le champion"),
    "fact_left_out": ("Cannot be read again or priced", "Illisibles ou sans prix"),
    "fact_otherwise": ("Decided otherwise than the version now says", "Décidés autrement que la version ne le dit"),
    "fact_share_meant": ("Share of the challenger", "Part du challenger"),
    "fact_experiment_level": ("Chance that the interval misses the truth", "Risque que l'intervalle manque la vérité"),
    "fact_compare": ("Compared", "Comparaison"),
    "compare_decisions": ("customers decided differently", "clients décidés différemment"),
    "compare_all": ("all customers", "tous les clients"),
    "fact_maturity_days": ("Days until an outcome is final", "Jours avant qu'une issue soit définitive"),
    "fact_customers_planned": ("Customers planned", "Clients prévus"),
    "fact_span": ("Largest difference between two costs", "Plus grand écart entre deux coûts"),
}
