"""The words of the compliance pack, in English and in French; names of laws are in documents/laws.json."""

from __future__ import annotations

from riskloop.report.words.of_documents import Pairs

COMPLIANCE: Pairs = {
    "compliance_title": (
        "Compliance pack: {name}, version {version}",
        "Dossier de conformité : {name}, version {version}",
    ),
    "made_on_laws": ("Made {when}; laws as of {day}", "Établi le {when} ; droit au {day}"),
    "state_title": ("What is open", "Ce qui reste ouvert"),
    "state_note": (
        "A point is answered by a fact that the system knows, or is open for somebody by name of role.",
        "Un point a pour réponse un fait que le système connaît, ou reste ouvert pour un rôle.",
    ),
    "open_table_title": ("Open points by role", "Points ouverts par rôle"),
    "col_role": ("Role", "Rôle"),
    "col_open": ("Open", "Ouverts"),
    "col_where": ("Which", "Lesquels"),
    "frame_title": ("Legal frame", "Cadre juridique"),
    "laws_table_title": ("Laws that this pack refers to", "Textes auxquels ce dossier renvoie"),
    "laws_note": (
        "Looked over on {day}. Which of them apply, and what has changed since, is for legal counsel to say.",
        "Revu le {day}. Lesquels s'appliquent, et ce qui a changé depuis, relève du juriste.",
    ),
    "col_law": ("Law", "Texte"),
    "col_cite": ("Citation", "Référence"),
    "col_places": ("Where", "Où"),
    "col_dates": ("Dates", "Dates"),
    "fact_class": ("Class of the system", "Catégorie du système"),
    "fact_applicable": ("Laws that apply", "Textes applicables"),
    "fact_law_changes": ("Changes since that day", "Changements depuis cette date"),
    "open_class": ("whether it is of high risk, and why", "s'il est à haut risque, et pourquoi"),
    "open_applicable": (
        "which laws apply, and in which role of the organisation",
        "les textes applicables, et le rôle tenu",
    ),
    "open_law_changes": ("amendments and guidance since", "les modifications et lignes directrices depuis"),
    # Technical documentation
    "fact_version_before": ("Version that led before", "Version précédemment en service"),
    "no_version_before": ("none", "aucune"),
    "fact_provider": ("Who provides it", "Qui le fournit"),
    "open_provider": ("name and address of the organisation", "nom et adresse de l'organisation"),
    "fact_doors": ("How others reach it", "Comment on l'atteint"),
    "doors_said": (
        "files through the command line, requests over HTTP, a Python interface",
        "fichiers par la ligne de commande, requêtes HTTP, une interface Python",
    ),
    "fact_outbound": ("What it reaches", "Ce qu'il atteint"),
    "outbound_said": (
        "its database, its registry and its folder; nothing else is called, and nothing is reported to its makers",
        "sa base, son registre et son dossier ; rien d'autre n'est appelé, rien n'est transmis à ses auteurs",
    ),
    "fact_other_systems": ("Systems around it", "Systèmes qui l'entourent"),
    "open_other_systems": (
        "what sends it customers and what uses its decisions",
        "ce qui l'alimente et ce qui s'en sert",
    ),
    "fact_software": ("Libraries whose arithmetic is in the bundle", "Bibliothèques dont le calcul est dans le lot"),
    "fact_components": ("Software components installed", "Composants logiciels installés"),
    "fact_updates": ("Updates", "Mises à jour"),
    "open_updates": ("how components are kept up to date", "comment les composants sont tenus à jour"),
    "fact_provided_as": ("Provided as", "Fourni sous forme de"),
    "provided_as_said": (
        "a signed folder of plain JSON and arrays (the bundle), served by riskloop",
        "un dossier signé de JSON et de tableaux simples (le lot), servi par riskloop",
    ),
    "fact_processor": ("Processor", "Processeur"),
    "processor_said": ("an ordinary CPU; no accelerator is used", "un processeur ordinaire ; aucun accélérateur"),
    "fact_latency": ("Median milliseconds to score one customer", "Médiane en millisecondes par client"),
    "fact_hardware": ("Machines it runs on", "Machines utilisées"),
    "open_hardware": ("machines and where they stand", "les machines et leur emplacement"),
    "fact_product": ("Part of a product", "Intégré à un produit"),
    "open_product": (
        "whether it is part of a product, and pictures of it",
        "s'il fait partie d'un produit, et ses images",
    ),
    "fact_interface": ("Interface", "Interface"),
    "interface_said": (
        "described by an OpenAPI document that is written from the version's contract (GET /openapi.json)",
        "décrite par un document OpenAPI tiré du contrat de la version (GET /openapi.json)",
    ),
    "fact_screens": ("What staff see", "Ce que voit le personnel"),
    "open_screens": ("the screens on which its decisions are shown", "les écrans qui montrent ses décisions"),
    "fact_model_report": ("Report with limits and figures", "Rapport avec limites et chiffres"),
    "fact_instructions": ("Instructions for use", "Notice d'utilisation"),
    "open_instructions": ("the instructions handed to those who use it", "la notice remise à ceux qui s'en servent"),
    "fact_contenders": ("Candidates compared", "Candidats comparés"),
    "fact_pretrained": ("Pre-trained parts", "Éléments préentraînés"),
    "pretrained_said": (
        "none: everything is learnt from the training table",
        "aucun : tout est appris de la table d'entraînement",
    ),
    "fact_logic": ("Logic", "Logique"),
    "logic_said": (
        "The columns of a customer are checked against a contract and turned into numbers; the model makes a "
        "probability of "
        "them, which is calibrated; the policy compares it with a threshold that follows from the costs of being "
        "wrong.",
        "Les colonnes d'un client sont vérifiées par un contrat et mises en nombres ; le modèle en tire une "
        "probabilité, qui "
        "est calibrée ; la politique la compare à un seuil tiré du coût des erreurs.",
    ),
    "fact_optimised": ("What is optimised", "Ce qui est optimisé"),
    "optimised_said": (
        "the log loss when fitting, the expected cost in {currency} when choosing model and threshold",
        "la perte logarithmique à l'ajustement, le coût attendu en {currency} pour choisir modèle et seuil",
    ),
    "fact_output": ("What comes out", "Ce qui en sort"),
    "output_said": (
        "a calibrated probability with an interval, a decision, a risk band and the expected cost of the decision",
        "une probabilité calibrée avec intervalle, une décision, une classe de risque et le coût attendu de la "
        "décision",
    ),
    "fact_assumptions": ("Assumptions", "Hypothèses"),
    "open_assumptions": (
        "about whom it is used for, and what stays as it was in training",
        "sur les personnes visées, et ce qui reste comme à l'entraînement",
    ),
    "fact_architecture": ("Parts, in order", "Éléments, dans l'ordre"),
    "architecture_said": (
        "contract, encoding, model, calibration, policy; then the ledger, before the answer leaves",
        "contrat, encodage, modèle, calibration, politique ; puis le registre, avant que la réponse parte",
    ),
    "fact_compute": (
        "Seconds to fit the candidates, one fold each",
        "Secondes d'ajustement des candidats, un pli chacun",
    ),
    "fact_cleaning": ("Cleaning", "Nettoyage"),
    "cleaning_said": (
        "rows that break the contract are set aside with their reasons; nothing else is changed or invented",
        "les lignes contraires au contrat sont écartées avec leurs motifs ; rien d'autre n'est changé ni inventé",
    ),
    "fact_warnings": ("Warnings that stand", "Avertissements ouverts"),
    "fact_review": ("Review by a person", "Examen par une personne"),
    "review_said": (
        "“{label}” is a third decision, taken where it is the cheapest in expectation",
        "« {label} » est une troisième décision, prise là où elle coûte le moins en espérance",
    ),
    "fact_review_share": ("Reviewed at most", "Examinés au plus"),
    "fact_review_cost": ("Price of a review", "Prix d'un examen"),
    "fact_review_accuracy": ("Reviewers taken to be right", "Examinateurs supposés avoir raison"),
    "fact_oversight": ("Who oversees", "Qui surveille"),
    "open_oversight": (
        "who may overrule a decision, with what knowledge and time",
        "qui peut renverser une décision, avec quelles compétences et quel temps",
    ),
    "fact_rollback": ("How it is stopped", "Comment l'arrêter"),
    "rollback_said": (
        "riskloop rollback brings the version before back at once, and is on the record",
        "riskloop rollback rétablit aussitôt la version précédente, et cela est consigné",
    ),
    "fact_planned": ("Changes planned in advance", "Modifications prévues"),
    "open_planned": ("which changes, and within what bounds", "lesquelles, et dans quelles bornes"),
    "fact_gate_verdict": ("Promotion gate", "Contrôle de mise en service"),
    "gate_said": ("{passed} of {of} checks passed", "{passed} contrôles réussis sur {of}"),
    "fact_signed_reports": ("Signed test reports", "Rapports d'essai signés"),
    "open_signed_reports": (
        "this pack, dated and signed by those responsible",
        "ce dossier, daté et signé des responsables",
    ),
    "fact_no_code": ("Code in the bundle", "Code dans le lot"),
    "no_code_said": (
        "none: only JSON and arrays, built from a closed set of types; every byte is checked before it is used",
        "aucun : seulement JSON et tableaux, bâtis sur un ensemble fermé de types ; chaque octet est vérifié avant "
        "usage",
    ),
    "fact_golden": ("Answers checked when it is loaded", "Réponses vérifiées au chargement"),
    "golden_said": (
        "{count} requests with the answers of training; a bundle that answers otherwise is refused",
        "{count} requêtes avec les réponses de l'entraînement ; un lot qui répond autrement est refusé",
    ),
    "fact_security": ("Security around it", "Sécurité alentour"),
    "open_security": ("access, network, keys and backups", "accès, réseau, clés et sauvegardes"),
    "fact_inputs": ("Inputs", "Entrées"),
    "inputs_said": (
        "{count} columns, each with its rule in the contract; a request that breaks one is refused with the reason",
        "{count} colonnes, chacune avec sa règle au contrat ; une requête contraire est refusée avec le motif",
    ),
    "fact_weak_segments": ("Weak segments found", "Segments faibles trouvés"),
    "fact_unintended": ("Unintended outcomes", "Effets non voulus"),
    "open_unintended": (
        "foreseeable harm to health, safety or rights",
        "les atteintes prévisibles à la santé, à la sécurité ou aux droits",
    ),
    "fact_why_metrics": ("Why these metrics", "Pourquoi ces mesures"),
    "why_metrics_said": (
        "cost says what decisions are worth, calibration whether probabilities can be priced, ROC-AUC whether "
        "customers are "
        "ranked; each with its interval, on customers nothing had seen",
        "le coût dit ce que valent les décisions, la calibration si les probabilités peuvent être chiffrées, la "
        "ROC-AUC si "
        "les clients sont bien classés ; chacune avec son intervalle, sur des clients jamais vus",
    ),
    "fact_metrics_fit": ("Fit for this use", "Adéquation à cet usage"),
    "open_metrics_fit": ("why they suit the intended use", "pourquoi elles conviennent à l'usage prévu"),
    "fact_known_limits": ("Limits that the facts show", "Limites que montrent les faits"),
    "fact_risks": ("Risk management", "Gestion des risques"),
    "open_risks": ("risks, measures and what remains", "les risques, les mesures et le risque résiduel"),
    "fact_rights": ("Rights of those concerned", "Droits des personnes concernées"),
    "open_rights": ("the assessment of effects on their rights", "l'analyse des effets sur leurs droits"),
    "fact_changes": ("Changes around the model", "Changements autour du modèle"),
    "open_changes": ("changes of data, costs and use since", "les changements de données, de coûts et d'usage depuis"),
    "fact_standards": ("Standards", "Normes"),
    "open_standards": ("standards applied, in full or in part", "les normes appliquées, en tout ou partie"),
    "fact_declaration": ("Declaration", "Déclaration"),
    "open_declaration": ("the copy, if one is due", "la copie, si elle est due"),
    # Notices and automated decisions
    "notices_title": ("Notice of an unfavourable decision", "Avis de décision défavorable"),
    "fact_notice_decision": ("Decision that customers would rather not have", "Décision défavorable aux clients"),
    "fact_notice_date": ("Date of the decision", "Date de la décision"),
    "notice_date_said": (
        "in the ledger, with version, digest and probability, for every customer",
        "au registre, avec version, empreinte et probabilité, pour chaque client",
    ),
    "fact_notice_score": ("Score that was used", "Score utilisé"),
    "notice_score_said": (
        "a probability from 0 to 1; the higher, the riskier",
        "une probabilité de 0 à 1 ; plus elle est haute, plus le risque est grand",
    ),
    "fact_reason_check": ("Fitness of the reasons", "Adéquation des motifs"),
    "open_reason_check": ("whether the sentences are specific enough", "si les phrases sont assez précises"),
    "fact_notice_sender": ("Sender", "Expéditeur"),
    "open_notice_sender": ("name and address", "nom et adresse"),
    "fact_notice_contact": ("Whom to ask", "À qui s'adresser"),
    "open_notice_contact": (
        "who answers questions and corrects data",
        "qui répond aux questions et corrige les données",
    ),
    "fact_notice_sources": ("Data from others", "Données de tiers"),
    "open_notice_sources": (
        "names and addresses of those whose data were used",
        "noms et adresses de ceux dont les données ont servi",
    ),
    "fact_notice_rights": ("Statement of rights", "Mention des droits"),
    "open_notice_rights": ("the wording that the law prescribes", "la mention que prescrit le droit"),
    "fact_notice_authority": ("Authority", "Autorité"),
    "open_notice_authority": ("name and address of the authority", "nom et adresse de l'autorité"),
    "fact_notice_days": ("Time limit of the notice", "Délai de l'avis"),
    "open_notice_days": ("within how many days it must be sent", "sous combien de jours il est dû"),
    "nameable_title": ("Features that a reason may name", "Variables qu'un motif peut nommer"),
    "nameable_note": (
        "Weights are those of the whole model, not of one decision: they say which reasons can occur, not which one "
        "did.",
        "Les poids sont ceux du modèle entier, non d'une décision : ils disent quels motifs sont possibles, non "
        "lequel a "
        "joué.",
    ),
    "col_reason_group": ("Named as", "Nommée"),
    "col_nameable": ("Can be a reason", "Peut être un motif"),
    "decisions_title": ("What people are told about the decision", "Ce qui est dit de la décision aux personnes"),
    "fact_automated": ("Decided by a machine", "Décidé par une machine"),
    "automated_said": (
        "the probability, and the decision that follows from it by the policy",
        "la probabilité, et la décision que la politique en tire",
    ),
    "fact_relied_on": ("What it relies on most", "Ce sur quoi elle s'appuie le plus"),
    "fact_when_acted": ("When it acts", "Quand elle agit"),
    "fact_act_rate": ("Share acted on, on the test block", "Part concernée par une action, bloc de test"),
    "fact_wrongly_acted": ("Acted on needlessly, on the test block", "Actions inutiles, bloc de test"),
    "fact_wrongly_left": ("Missed, on the test block", "Manqués, bloc de test"),
    "fact_found_again": ("A decision is found again with", "Une décision se retrouve par"),
    "fact_significance": ("What it means for the person", "Ce qu'elle signifie pour la personne"),
    "open_significance": ("the significance of either decision", "la portée de chaque décision"),
    "fact_consequences": ("Envisaged consequences", "Conséquences envisagées"),
    "open_consequences": (
        "what follows, for how long, and what can be done",
        "ce qui s'ensuit, pour combien de temps, et que faire",
    ),
    "fact_solely": ("Without any person", "Sans intervention humaine"),
    "open_solely": (
        "whether people take part in the decisions that are not reviewed",
        "si des personnes participent aux décisions non examinées",
    ),
    "fact_ground": ("Ground on which it is allowed", "Fondement qui l'autorise"),
    "open_ground": (
        "contract, law or consent, with its safeguards",
        "contrat, loi ou consentement, avec ses garanties",
    ),
    "fact_contest": ("How to contest it", "Comment la contester"),
    "open_contest": (
        "how a person is heard, gets a human look, and contests",
        "comment être entendu, obtenir un examen humain, contester",
    ),
    "fact_assessment": ("Impact assessment", "Analyse d'impact"),
    "open_assessment": ("reference and date of the assessment", "référence et date de l'analyse"),
    "governance_title": ("Governance", "Gouvernance"),
    # Components
    "materials_title": ("Software components", "Composants logiciels"),
    "fact_unlicensed": ("Without a licence in their metadata", "Sans licence dans leurs métadonnées"),
    "fact_bill": ("Bill of materials (CycloneDX 1.6)", "Nomenclature (CycloneDX 1.6)"),
    "fact_licence_review": ("Review of licences", "Revue des licences"),
    "open_licence_review": ("whether these licences suit the use", "si ces licences conviennent à l'usage"),
    "licences_title": ("Components by licence", "Composants par licence"),
    "components_title": ("All components", "Tous les composants"),
    "col_licence": ("Licence", "Licence"),
    "col_components": ("Components", "Composants"),
    "col_component": ("Component", "Composant"),
    "licence_unknown": ("not stated", "non précisée"),
}
