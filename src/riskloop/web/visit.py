"""A visit: one request of a browser, with who asks, in which language and in which light."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from http.cookies import CookieError, SimpleCookie
from typing import Literal, get_args
from urllib.parse import urlencode

from starlette.requests import Request

from riskloop.keep.access import Role, may
from riskloop.report.words import LANGUAGES, Language
from riskloop.serve.call import language_of
from riskloop.serve.guard import Caller
from riskloop.web.formats import Formats
from riskloop.web.words import Say, speak

Theme = Literal["auto", "light", "dark"]
LANGUAGE_COOKIE = "riskloop_language"
THEME_COOKIE = "riskloop_theme"
_YEAR = 365 * 24 * 3600


@dataclass(frozen=True)
class Upload:
    """A file that came with a form."""

    name: str
    data: bytes


@dataclass(frozen=True)
class Visit:
    """One request as a page sees it.

    Attributes
    ----------
    request : Request
    caller : Caller
    csrf : str
        What every form must bring back.
    language, theme : str
    form : mapping of str to str
        Fields of the form that was posted.
    files : mapping of str to Upload
    """

    request: Request
    caller: Caller
    csrf: str
    language: Language
    theme: Theme
    form: Mapping[str, str] = field(default_factory=dict)
    files: Mapping[str, Upload] = field(default_factory=dict)

    @property
    def say(self) -> Say:
        """The words of the visitor's language."""
        return speak(self.language)

    @property
    def write(self) -> Formats:
        """Numbers, dates and money as the visitor's language has them."""
        return Formats(self.language)

    @property
    def wants_part(self) -> bool:
        """Whether the page's script asks for what has changed, not for the whole page."""
        return "x-part" in self.request.headers

    def may(self, role: Role) -> bool:
        """Whether the visitor may do what a role may."""
        return may(self.caller.role, role)

    def asked(self, name: str, default: str = "") -> str:
        """A parameter of the address."""
        return self.request.query_params.get(name, default)

    def number_asked(self, name: str, default: int, low: int = 0, high: int = 10**9) -> int:
        """A whole number in the address, within bounds; the default for anything else."""
        text = self.asked(name)
        return min(max(int(text), low), high) if text.isascii() and text.isdigit() and len(text) < 12 else default

    def here(self, **changes: object) -> str:
        """This address with other parameters; None leaves one out."""
        held = {name: value for name, value in self.request.query_params.items() if name not in ("lang", "theme")}
        held |= {name: str(value) for name, value in changes.items()}
        kept = {name: value for name, value in held.items() if changes.get(name, "") is not None}
        return f"{self.request.url.path}?{urlencode(kept)}" if kept else self.request.url.path

    def cookies(self) -> list[str]:
        """Headers that keep what the address chooses."""
        chosen = ((LANGUAGE_COOKIE, "lang", LANGUAGES), (THEME_COOKIE, "theme", get_args(Theme)))
        return [
            f"{cookie}={self.asked(name)}; Path=/; Max-Age={_YEAR}; SameSite=Lax; HttpOnly"
            for cookie, name, known in chosen
            if self.asked(name) in known
        ]


def preferences(request: Request) -> tuple[Language, Theme]:
    """Language and theme: what the address says, else the cookie, else the browser."""
    try:
        kept = {name: morsel.value for name, morsel in SimpleCookie(request.headers.get("cookie", "")).items()}
    except CookieError:
        kept = {}
    asked = (request.query_params.get("lang"), kept.get(LANGUAGE_COOKIE), language_of(request))
    languages: list[Language] = [language for said in asked for language in LANGUAGES if language == said]
    themes: tuple[Theme, ...] = get_args(Theme)
    said = request.query_params.get("theme") or kept.get(THEME_COOKIE)
    return languages[0] if languages else "en", next((theme for theme in themes if theme == said), "auto")
