"""Every word of the pages, a table per page, in English and in French."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from markupsafe import Markup

from riskloop.report.words import LANGUAGES as REPORTS
from riskloop.report.words import Language, french
from riskloop.web.words.of_data import DATA
from riskloop.web.words.of_frame import FRAME
from riskloop.web.words.of_models import MODELS
from riskloop.web.words.of_scoring import SCORING
from riskloop.web.words.of_watching import WATCHING

Say = Callable[..., str]
PAIRS: Mapping[str, tuple[str, str]] = {**FRAME, **SCORING, **MODELS, **WATCHING, **DATA}

_WORDS: Mapping[Language, Mapping[str, str]] = {
    "en": {key: english for key, (english, _) in PAIRS.items()},
    "fr": {key: french(text) for key, (_, text) in PAIRS.items()},
}


def speak(language: Language) -> Say:
    """A function from a key and its values to a sentence; what the pages have no word for, the reports may."""
    own, reports = _WORDS[language], REPORTS[language]

    def say(key: str, **values: object) -> str:
        text = own[key] if key in own else reports[key]
        return text.format(**values) if values else text

    return say


def known(key: str) -> bool:
    """Whether there is a word of that key."""
    return key in PAIRS or key in REPORTS["en"]


def emphasised(text: str) -> Markup:
    """A sentence of ours with its **strong** parts and its `commands`; everything is escaped first."""
    return Markup("").join(
        Markup("<strong>{}</strong>").format(_with_code(part)) if place % 2 else _with_code(part)
        for place, part in enumerate(text.split("**"))
    )


def _with_code(text: str) -> Markup:
    return Markup("").join(
        Markup("<code>{}</code>").format(part) if place % 2 else part for place, part in enumerate(text.split("`"))
    )
