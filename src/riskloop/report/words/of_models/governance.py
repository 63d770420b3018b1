"""The words of the model report about the gate, the log and the check."""

from __future__ import annotations

from riskloop.report.words.of_documents import Pairs

GOVERNANCE: Pairs = {
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
}
