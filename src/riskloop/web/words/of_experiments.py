"""The words of experiments; the verdict is said by the words of the reports."""

from __future__ import annotations

from riskloop.web.words.of_frame import Pairs

EXPERIMENTS: Pairs = {
    "experiments_lead": (
        "A challenger answers some customers, or looks on, before it may lead.",
        "Un challenger répond à une partie des clients, ou observe, avant de pouvoir servir.",
    ),
    "experiments_running": (
        "Version {challenger} challenges version {champion}",
        "La version {challenger} défie la version {champion}",
    ),
    "experiments_since": (
        "Since {when} ({age}), by {actor}:",
        "Depuis le {when} ({age}), par {actor} :",
    ),
    "experiments_share": ("answers {share}", "répond à {share}"),
    "experiments_shadow": ("shadow: answers nobody", "ombre : ne répond à personne"),
    "experiments_split": ("answers a share of the customers", "répond à une part des clients"),
    "experiments_arm": ("Arm", "Bras"),
    "experiments_decisions": ("Decisions", "Décisions"),
    "experiments_mean": ("Mean probability", "Probabilité moyenne"),
    "experiments_note": (
        "Expected costs, by each version's own probabilities; brackets hold 95% intervals.",
        "Coûts attendus, selon les probabilités de chaque version ; entre crochets, intervalles à 95 %.",
    ),
    "experiments_peeking": (
        "Do not stop because of this table: intervals hold for one look only, and costs are expected, not observed.",
        "N'arrêtez pas sur la foi de ce tableau : les intervalles valent pour un seul regard, les coûts sont "
        "attendus, non observés.",
    ),
    "experiments_nothing": ("Nothing was decided since.", "Aucune décision depuis."),
    "experiments_stop": ("End the challenge", "Mettre fin au défi"),
    "experiments_decide": ("Decide", "Décider"),
    "experiments_none": ("No experiment runs", "Aucune expérience en cours"),
    "experiments_none_text": (
        "Let an accepted version answer a few customers, or look on, before it leads.",
        "Laissez une version acceptée répondre à quelques clients, ou observer, avant de servir.",
    ),
    "experiments_no_candidate": (
        "There is no accepted version beside the champion: train one first.",
        "Aucune version acceptée hormis le champion : entraînez-en une d'abord.",
    ),
    "experiments_start": ("Start", "Démarrer"),
    "experiments_challenger": ("Challenger", "Challenger"),
    "experiments_share_of": ("Share of customers (%)", "Part des clients (%)"),
    "experiments_share_hint": ("50 for a test, little for a canary", "50 pour un test, peu pour un canari"),
    "experiments_kind": ("How", "Comment"),
    "experiments_refused": ("The challenger was refused", "Le challenger a été refusé"),
    "experiments_past": ("Challenges so far", "Défis passés"),
    # What a challenger saves
    "trial_shadow": (
        "A shadow answers nobody, so nothing is compared: `riskloop ab replay` says what it would change.",
        "Une ombre ne répond à personne, rien n'est donc comparé : `riskloop ab replay` dit ce qu'elle changerait.",
    ),
    "trial_none": (
        "What the challenger saves has not been worked out yet: do it here, or by `riskloop ab status --report`.",
        "Le gain du challenger n'a pas encore été calculé : faites-le ici, ou par `riskloop ab status --report`.",
    ),
    "trial_work_out": ("Work it out", "Calculer"),
    "trial_again": ("Work it out again", "Recalculer"),
    "trial_at": ("Worked out {when}, {age}.", "Calculé le {when}, {age}."),
    "trial_promote": ("decided: promote", "tranché : mettre en service"),
    "trial_stop": ("decided: stop", "tranché : arrêter"),
    "trial_undecided": ("not decided yet", "pas encore tranché"),
    "trial_off": ("not to be trusted", "non fiable"),
    "trial_cost": ("Cost, {arm}", "Coût, {arm}"),
    "trial_per_customer": ("per customer", "par client"),
    "trial_difference": ("Difference", "Différence"),
    "trial_no_difference": ("no difference", "aucune différence"),
    "trial_axis": ("{currency} per customer; below 0 it saves", "{currency} par client ; sous 0, un gain"),
    "trial_split": ("Came to the challenger", "Venus au challenger"),
    "trial_split_on": ("as meant", "conforme"),
    "trial_split_off": ("split is off", "faussé"),
    "trial_split_note": ("meant {meant}, p {p}", "prévu {meant}, p {p}"),
    "trial_days": ("Day by day", "Jour après jour"),
    "trial_said": (
        "Difference in cost per customer over {count} days, with its confidence sequence; now {value} {between}.",
        "Différence de coût par client, sur {count} jours, avec sa séquence de confiance ; "
        "à présent {value} {between}.",
    ),
    "trial_sequence": (
        "The band is a confidence sequence: it holds on all days at once, so look, and stop, whenever you like.",
        "La bande est une séquence de confiance : elle vaut tous les jours à la fois, vous pouvez donc regarder, et "
        "arrêter, quand vous voulez.",
    ),
    "trial_not_simply": (
        "It rests on more than the two costs: it is weighed by the shares that were meant, and where both versions are "
        "asked, only customers decided differently tell. It need not be one cost less the other.",
        "Elle repose sur plus que les deux coûts : elle est pondérée par les parts prévues et, si les deux sont "
        "interrogées, seuls comptent les clients décidés différemment. Elle peut différer du simple écart des coûts.",
    ),
    "trial_outcomes": ("Outcomes", "Issues"),
    "trial_assigned": ("Customers", "Clients"),
    "trial_mature": ("Final", "Définitives"),
    "trial_told": ("Known", "Connues"),
    "trial_rails": ("Guardrails", "Garde-fous"),
    "trial_rails_note": (
        "Guardrails: `riskloop ab watch` and `riskloop loop` end the challenge where one is broken beyond chance.",
        "Garde-fous : `riskloop ab watch` et `riskloop loop` y mettent fin si l'un est franchi au-delà du hasard.",
    ),
    "trial_rail": ("Guardrail", "Garde-fou"),
    "trial_found": ("Found", "Constaté"),
    "trial_allowed": ("Allowed", "Permis"),
    "trial_rail_fallback": ("answered by the champion instead", "servis par le champion à sa place"),
    "trial_rail_latency": (
        "p99 of the time to decide, beside the champion's",
        "p99 du temps de décision, face au champion",
    ),
    "trial_rail_act_rate": ("share acted on, beside what was foreseen", "part concernée, face à la prévision"),
    "trial_rail_score_psi": ("PSI of its scores, beside what was foreseen", "PSI de ses scores, face à la prévision"),
    "trial_rail_cost": ("cost, at least (per customer)", "coût, au moins (par client)"),
    "trial_rail_cost_allowed": ("≤ 0", "≤ 0"),
    "trial_table": ("The days in numbers", "Les jours en chiffres"),
    "trial_table_note": (
        "All customers until that day, {currency} per customer.",
        "Tous les clients jusqu'à ce jour, {currency} par client.",
    ),
    "trial_until": ("Until", "Jusqu'au"),
    "trial_decided_since": ("Decided since", "Décidé depuis"),
    "trial_decide_promote": (
        "The challenger surely saves: deciding lets it lead, which ends the challenge.",
        "Le challenger fait sûrement gagner : décider le met en service, ce qui met fin au défi.",
    ),
    "trial_decide_stop": (
        "The challenger surely costs more: deciding ends the challenge.",
        "Le challenger coûte sûrement plus cher : décider met fin au défi.",
    ),
    "trial_not_yet": (
        "Nothing can be decided yet: go on, or end the challenge as it is.",
        "Rien ne peut encore être tranché : continuez, ou mettez fin au défi en l'état.",
    ),
}
