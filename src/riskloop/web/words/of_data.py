"""The words of data: the contract, its enforcement, and what was set aside."""

from __future__ import annotations

from riskloop.web.words.of_frame import Pairs

DATA: Pairs = {
    "data_lead": (
        "What tables must hold, and what was wrong with them.",
        "Ce que les tables doivent contenir, et ce qui n'allait pas.",
    ),
    "data_report": ("Data report", "Rapport de données"),
    "data_contract": ("Contract", "Contrat"),
    "data_contract_note": (
        "Of version {version}: enforced at training, in files and over HTTP.",
        "De la version {version} : appliqué à l'entraînement, aux fichiers et par HTTP.",
    ),
    "data_no_contract": ("No version leads yet.", "Aucune version n'est en service."),
    "data_column": ("Column", "Colonne"),
    "data_type": ("Type", "Type"),
    "data_rule": ("Values", "Valeurs"),
    "data_missing": ("May be missing", "Peut manquer"),
    "data_use": ("Use", "Rôle"),
    "type_number": ("number", "nombre"),
    "type_category": ("category", "catégorie"),
    "type_date": ("date", "date"),
    "data_unknown_reject": ("others are refused", "les autres sont refusées"),
    "data_unknown_bin": ("others count as “other”", "les autres comptent comme « autre »"),
    "data_unknown_coerce": ("others count as missing", "les autres comptent comme absentes"),
    "data_monotone_increasing": ("risk never falls with it", "le risque ne baisse jamais avec elle"),
    "data_monotone_decreasing": ("risk never rises with it", "le risque ne monte jamais avec elle"),
    "data_may_be_missing": ("yes, up to {share}", "oui, jusqu'à {share}"),
    "data_priced": ("prices decisions", "chiffre les décisions"),
    "data_not_read": ("not read", "non lue"),
    "data_protected": ("protected", "protégée"),
    "data_personal": ("personal", "personnelle"),
    "data_linked": ("linked", "liée"),
    "data_quality": ("Quality gate", "Contrôle de qualité"),
    "data_checked": (
        "{kept} of {rows} rows are good (checked {when} UTC).",
        "{kept} lignes sur {rows} sont bonnes (contrôlé le {when} UTC).",
    ),
    "data_no_findings": ("Nothing was found.", "Rien n'a été trouvé."),
    "data_at_training": ("Found when the champion was trained:", "Constaté à l'entraînement du champion :"),
    "data_not_checked": (
        "Nothing was found when the champion was trained.",
        "Rien à signaler à l'entraînement du champion.",
    ),
    "data_check": ("Check the training table now", "Contrôler la table d'entraînement"),
    "data_quarantine": ("Rows set aside", "Lignes mises de côté"),
    "data_no_quarantine": ("No rows were set aside.", "Aucune ligne n'a été mise de côté."),
    "data_first_rows": ("The first rows", "Les premières lignes"),
    "data_on_file": ("Customers on file", "Clients au fichier"),
    "data_on_file_n": (
        "{count} customers can be scored by id.",
        "{count} clients peuvent être évalués par identifiant.",
    ),
    "data_as_of": ("As of {when}.", "Au {when}."),
    "data_report_note": (
        "Distributions, missing values, correlations, and what they have to do with the outcome.",
        "Répartitions, valeurs absentes, corrélations, et leur lien avec l'issue.",
    ),
}
