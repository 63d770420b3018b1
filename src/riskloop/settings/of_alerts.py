"""When to alert, whom, and how often."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import Any, Literal
from urllib.parse import parse_qsl, urlsplit

from pydantic import Field, field_validator, model_validator

from riskloop.data.contract import did_you_mean
from riskloop.errors import ConfigError
from riskloop.settings.section import Section, duration
from riskloop.watch.alerts import DEFAULTS, Comparison, Rule, Severity

_ELSEWHERE = re.compile(r"(env:[A-Za-z_][A-Za-z0-9_]*|file:.+)")
_BARE = frozenset({"json", "jsons", "xml", "xmls", "form", "forms", "mailto", "mailtos", "syslog", "rsyslog"})
_HARMLESS = frozenset({"from", "to", "cc", "bcc", "name", "method", "mode", "format", "smtp", "cto", "rto", "verify"})
_TIMES = ("cool_down", "lasting")


class RuleSection(Section):
    """When something is beyond its threshold."""

    enabled: bool = Field(True, description="Whether the rule is in force; `name: false` says the same as not.")
    measure: str | None = Field(None, description="What is measured; see docs/alerts.md.")
    comparison: Comparison | None = Field(None, description="On which side of the threshold it alerts.")
    threshold: float | None = Field(None, allow_inf_nan=False, description="From where on it alerts.")
    severity: Severity | None = Field(None, description="How grave it is.")
    consecutive: int | None = Field(None, ge=1, le=1_000, description="Evaluations in a row that must agree.")
    lasting: str | None = Field(
        None, coerce_numbers_to_str=True, description="How long it must have been so, such as 30m."
    )
    cool_down: str | None = Field(
        None, coerce_numbers_to_str=True, description="Least time between two messages about the same thing."
    )
    channels: tuple[str, ...] | None = Field(None, description="Where messages go; everywhere if left out.")
    certain: bool | None = Field(None, description="Whether the whole interval must lie beyond the threshold.")
    least: int | None = Field(None, ge=1, description="Observations below which nothing is judged.")
    even_if_promised: bool | None = Field(
        None, description="Whether a floor holds even where the version promised no better when it was trained."
    )

    def rule(self, name: str) -> Rule:
        """The rule: what is not said is as it is by default."""
        given: dict[str, Any] = {
            key: getattr(self, key)
            for key in type(self).model_fields
            if key != "enabled" and getattr(self, key) is not None
        }
        given |= {key: duration(given[key]) for key in _TIMES if key in given}
        if name in DEFAULTS:
            return replace(DEFAULTS[name], **given)
        lacking = [key for key in ("measure", "comparison", "threshold") if key not in given]
        if lacking:
            raise ValueError(f"the rule {name!r} needs a {lacking[0]}{did_you_mean(name, tuple(DEFAULTS))}")
        return Rule(name, **given)


class AlertsSection(Section):
    """When to alert, whom, and how often."""

    rules: dict[str, RuleSection] = Field(
        default_factory=dict, description="Rules by name: those of riskloop changed or switched off, and your own."
    )
    channels: dict[str, str] = Field(
        default_factory=dict,
        description="Where messages go: Apprise URLs by name, as env:NAME or file:/path where they hold a secret.",
    )
    cool_down: str = Field(
        "1h", coerce_numbers_to_str=True, description="Least time between two messages about the same thing."
    )
    repeat: str | None = Field(
        "24h", coerce_numbers_to_str=True, description="When an open alert is told again; null for never."
    )
    language: Literal["en", "fr"] = Field("en", description="Language of messages.")
    window: str = Field(
        "15m", coerce_numbers_to_str=True, description="How far back latency, errors and traffic are counted."
    )
    service: str | None = Field(
        None,
        pattern=r"^https?://[^\s@]+$",
        description="Address of the service to ask for its metrics; serving.host and serving.port if left out.",
    )
    key: str | None = Field(None, description="API key of a viewer for that, as env:NAME or file:/path.")
    outcomes_due: float | None = Field(
        None, gt=0, description="Days after which an outcome should be known; problem.maturity if left out."
    )

    @field_validator("rules", mode="before")
    @classmethod
    def _switched(cls, rules: Any) -> Any:
        """A rule may be switched off by a plain ``false``."""
        if not isinstance(rules, dict):
            return rules
        return {name: {"enabled": said} if isinstance(said, bool) else said for name, said in rules.items()}

    @model_validator(mode="after")
    def _sound(self) -> AlertsSection:
        for text in (self.cool_down, self.window, *filter(None, [self.repeat])):
            duration(text)
        for name, url in self.channels.items():
            if not _ELSEWHERE.fullmatch(url) and not _holds_no_secret(url):
                raise ValueError(
                    f"the address of channel {name!r} may hold a secret; put it into an environment variable and "
                    "write env:NAME, or into a file and write file:/path"
                )
        if self.key is not None and not _ELSEWHERE.fullmatch(self.key):
            raise ValueError("the key is a secret; put it into an environment variable and write key: env:NAME")
        try:
            rules = self.all_rules()
        except ConfigError as error:
            raise ValueError(f"{error.message.rstrip('.')} ({error.where}); {error.next_step}") from error
        for rule in rules:
            for channel in rule.channels or ():
                if channel not in self.channels:
                    raise ValueError(
                        f"the rule {rule.name!r} names a channel {channel!r} that is not there"
                        f"{did_you_mean(channel, tuple(self.channels))}"
                    )
        return self

    def all_rules(self) -> tuple[Rule, ...]:
        """The rules in force: riskloop's as they were changed, then your own.

        Raises
        ------
        ConfigError, ValueError
            If one makes no sense.
        """
        said = {name: self.rules.get(name, RuleSection()) for name in DEFAULTS} | self.rules
        made = [(one.enabled, one.rule(name)) for name, one in said.items()]
        return tuple(rule for enabled, rule in made if enabled)


def _holds_no_secret(url: str) -> bool:
    """Whether an address is of a kind that needs no token, and holds no password."""
    try:
        parts = urlsplit(url)
        named = {name for name, _ in parse_qsl(parts.query, keep_blank_values=True)}
        password = parts.password
    except ValueError:
        return False
    return parts.scheme in _BARE and password is None and named <= _HARMLESS


def defaults_as_comment() -> str:
    """What riskloop alerts of unless told otherwise, for the end of a new riskloop.yaml."""
    lines = [
        "",
        "Alerts are on by default, and kept; name a channel to be told of them. See docs/alerts.md.",
        "alerts:",
    ]
    lines += ["  channels:", "    team: env:RISKLOOP_ALERTS_TEAM    # an Apprise URL: slack, e-mail, webhook ..."]
    lines += ["  rules:"]
    for name, rule in DEFAULTS.items():
        lines.append(
            f"    {name}: {{measure: {rule.measure}, comparison: {rule.comparison}, threshold: {rule.threshold:g}, "
            f"severity: {rule.severity}}}"
        )
    return "\n".join(lines)
