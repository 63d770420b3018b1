"""The words of alerts; what they are about is said by the words of the reports."""

from __future__ import annotations

from riskloop.web.words.of_frame import Pairs

ALARMS: Pairs = {
    "alerts_title": ("Alerts", "Alertes"),
    "alerts_count": ("{count} open", "{count} en cours"),
    "alerts_none": ("None is open", "Aucune en cours"),
    "alerts_none_text": (
        "`riskloop monitor` and `riskloop alerts check` look for them.",
        "`riskloop monitor` et `riskloop alerts check` les recherchent.",
    ),
    "alerts_limit": ("alert {limit}", "alerte {limit}"),
    "alerts_since": ("since {when} ({age})", "depuis le {when} ({age})"),
    "alerts_cared_for": ("acknowledged", "prise en charge"),
    "alerts_cared_by": ("{actor} looks after it, {when}.", "{actor} s'en charge, {when}."),
    "alerts_acknowledge": ("Acknowledge", "Prendre en charge"),
    "alerts_note": ("Note", "Note"),
    "alerts_silence": ("Silence the rule", "Mettre la règle en sourdine"),
    "alerts_silence_for": ("For", "Pendant"),
    "alerts_hour": ("an hour", "une heure"),
    "alerts_day": ("a day", "un jour"),
    "alerts_week": ("a week", "une semaine"),
    "alerts_silenced": ("Silenced rules", "Règles en sourdine"),
    "alerts_silenced_until": (
        "sends no message until {when} ({actor}):",
        "n'envoie aucun message jusqu'au {when} ({actor}) :",
    ),
    "alerts_history": ("History", "Historique"),
    "alerts_resolved": ("Resolved last", "Dernières résolues"),
    "alerts_events": ("What happened", "Ce qui s'est passé"),
    "alerts_severity": ("Severity", "Gravité"),
    "alerts_what": ("What", "Quoi"),
    "alerts_until": ("Until", "Jusqu'au"),
    "alerts_rule": ("Rule", "Règle"),
    "alert_event_opened": ("opened", "ouverte"),
    "alert_event_repeated": ("still open", "toujours en cours"),
    "alert_event_held": ("held back", "retenue"),
    "alert_event_silenced": ("silenced", "mise en sourdine"),
    "alert_event_notified": ("message sent", "message envoyé"),
    "alert_event_failed": ("message failed", "message en échec"),
    "alert_event_given_up": ("message given up", "message abandonné"),
    "alert_event_acknowledged": ("acknowledged", "prise en charge"),
    "alert_event_resolved": ("resolved", "résolue"),
    "todo_alert": ("{what} ({severity}, for {age}).", "{what} ({severity}, depuis {age})."),
    "todo_alert_cared_for": (
        "{what} ({severity}): {actor} looks after it.",
        "{what} ({severity}) : {actor} s'en charge.",
    ),
    "todo_alerts_more": ("More open alerts: {count}.", "Autres alertes en cours : {count}."),
}
