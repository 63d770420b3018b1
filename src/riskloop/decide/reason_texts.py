"""The words of reasons: a versioned table in English and French, and sentences for what it does not name."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from riskloop.data.contract import did_you_mean
from riskloop.errors import ConfigError

LANGUAGES = ("en", "fr")
VERSION = 1
"""Of the sentences below: raised whenever one of them changes."""

_SENTENCES: Mapping[str, Mapping[str, str]] = {
    "en": {
        "high": "{name}: {value}, above the usual {typical}",
        "low": "{name}: {value}, below the usual {typical}",
        "other": "{name}: {value}, most often {typical}",
        "usual": "{name}: {value}",
        "missing": "{name} is not known",
    },
    "fr": {
        "high": "{name} : {value}, au-dessus de l'habituel ({typical})",
        "low": "{name} : {value}, en dessous de l'habituel ({typical})",
        "other": "{name} : {value}, le plus souvent {typical}",
        "usual": "{name} : {value}",
        "missing": "{name} : non renseigné",
    },
}
_PLACE = re.compile(r"\{(name|typical)\}")
_KINDS = ("high", "low", "missing", "other")
"""Sentences that the table may hold; ``other`` serves where there is nothing more precise."""

Value = float | str | None


@dataclass(frozen=True)
class Texts:
    """What reasons are called.

    Attributes
    ----------
    version : str
        Of the table; its owner raises it with every change.
    table : mapping of name to language to kind to str
        For a feature or a business reason, in each language: ``name``, and whole sentences ``high``, ``low``,
        ``missing`` and ``other``. They may hold ``{value}`` and ``{typical}``.
    """

    version: str = "1"
    table: Mapping[str, Mapping[str, Mapping[str, str]]] = field(default_factory=dict)

    def of(self, group: str, feature: str, value: Value, typical: Value) -> dict[str, str]:
        """The sentence in every language; that of the business reason goes before the feature's own."""
        return {language: self._sentence(language, group, feature, value, typical) for language in LANGUAGES}

    def name(self, feature: str, language: str) -> str:
        """What a feature or a business reason is called."""
        fallback = feature.replace("_", " ")
        return self.table.get(feature, {}).get(language, {}).get("name", fallback[:1].upper() + fallback[1:])

    def _sentence(self, language: str, group: str, feature: str, value: Value, typical: Value) -> str:
        wanted = language, group, feature, _kind(value, typical), typical
        parts = self._parts.get(wanted)
        if parts is None:
            parts = self._parts[wanted] = self._around_the_value(*wanted)
        return _shown(value, language).join(parts)

    @cached_property
    def _parts(self) -> dict[tuple[Any, ...], list[str]]:
        """Sentences but for the customer's value: of a few hundred, each is put together once."""
        return {}

    def _around_the_value(self, language: str, group: str, feature: str, kind: str, typical: Value) -> list[str]:
        said = next(
            (
                told[wanted]
                for named in (group, feature)
                for told in [self.table.get(named, {}).get(language, {})]
                for wanted in (kind, "other")
                if wanted in told
            ),
            _SENTENCES[language][kind],
        )
        named = group if "name" in self.table.get(group, {}).get(language, {}) else feature
        words = {
            "name": self.name(named, language),
            "typical": _shown(typical, language),
        }
        return [_PLACE.sub(lambda found: words[found[1]], part) for part in said.split("{value}")]

    def to_dict(self) -> dict[str, Any]:
        """Plain JSON values; ``sentences`` is the version of riskloop's own."""
        plain = {name: {key: dict(text) for key, text in told.items()} for name, told in self.table.items()}
        return {"version": self.version, "sentences": VERSION, "texts": plain}

    @classmethod
    def from_dict(cls, document: Any, known: frozenset[str] | None = None) -> Texts:
        """Inverse of `to_dict`, and how reasons.yaml is read.

        Parameters
        ----------
        known : frozenset of str, optional
            Names of the features and business reasons; another one is an error.

        Raises
        ------
        ConfigError
            Naming the place.
        """
        if not isinstance(document, Mapping) or not isinstance(document.get("texts", {}), Mapping):
            raise _wrong("The file holds no mapping `texts`.", "write version: 1 and texts:")
        for key in document:
            if key not in ("version", "sentences", "texts"):
                raise _wrong(f"Unknown key {key!r}{did_you_mean(str(key), ('version', 'texts'))}.", "leave it out")
        table = {str(name): _languages(str(name), told) for name, told in (document.get("texts") or {}).items()}
        if known is not None and (stranger := next((name for name in table if name not in known), None)):
            raise _wrong(
                f"There is no feature or business reason {stranger!r}{did_you_mean(stranger, sorted(known))}.",
                "name features as contract.yaml does",
            )
        return cls(str(document.get("version", "1")), table)


def _languages(name: str, told: Any) -> dict[str, dict[str, str]]:
    if not isinstance(told, Mapping):
        raise _wrong(f"{name!r} holds no languages.", "write en: and fr: below it")
    found = {}
    for language, sentences in told.items():
        if language not in LANGUAGES or not isinstance(sentences, Mapping):
            raise _wrong(f"{name!r} has texts in {language!r}.", f"languages are {' and '.join(LANGUAGES)}")
        for kind in sentences:
            if kind not in ("name", *_KINDS):
                raise _wrong(
                    f"{name!r} has a text {kind!r}{did_you_mean(str(kind), ('name', *_KINDS))}.",
                    f"texts are name, {', '.join(_KINDS)}",
                )
        found[str(language)] = {str(kind): str(text) for kind, text in sentences.items()}
    return found


def _kind(value: Value, typical: Value) -> str:
    if value is None:
        return "missing"
    if value == typical or typical is None:
        return "usual"
    if isinstance(value, str) or isinstance(typical, str):
        return "other"
    return "high" if value > typical else "low"


def _shown(value: Value, language: str) -> str:
    if value is None:
        return "?"
    if isinstance(value, str):
        return value
    digits = f"{value:,.0f}" if abs(value) >= 1000 else f"{value:.4g}"
    if language == "fr":
        digits = digits.replace(",", "\u202f").replace(".", ",")
    return digits


def _wrong(message: str, next_step: str) -> ConfigError:
    return ConfigError(message, where="reasons.yaml", next_step=next_step)
