"""The words of the model report about its limits, and of what is watched."""

from __future__ import annotations

from riskloop.report.words.of_documents import Pairs

LIMITS: Pairs = {
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
}
