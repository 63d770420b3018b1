"""How customers are answered, and how answers are watched."""

from __future__ import annotations

from dataclasses import replace
from typing import Literal

from pydantic import Field, model_validator

from riskloop.decide.arms import Exploration
from riskloop.settings.section import Section
from riskloop.watch.thresholds import USUAL, Thresholds


class ServingSection(Section):
    """How the service answers."""

    host: str = Field("127.0.0.1", description="Address to listen on.")
    port: int = Field(8000, ge=0, le=65535, description="Port to listen on.")
    labels: tuple[str, str] = Field(("act", "pass"), description="Words for the two decisions: act, do not act.")
    bands: tuple[float, float] = Field((0.4, 0.7), description="Probabilities that separate low, medium, high risk.")

    public_url: str | None = Field(
        None, pattern=r"^https?://\S+$", description="Where people reach the service; links in messages lead there."
    )
    log: Literal["text", "json"] = Field("text", description="Lines for people, or a JSON object per line.")
    log_requests: bool = Field(False, description="Whether every request has a line in the log.")
    max_connections: int = Field(2_000, gt=0, description="Connections of one worker; who comes beyond gets 503.")
    max_upload_mb: int = Field(256, gt=0, description="Of a CSV file that is answered in CSV; beyond it is 413.")
    durability: Literal["process", "power"] = Field(
        "process",
        description="What an answered prediction survives: the end of the process, or loss of power too (slower).",
    )
    when_away: Literal["refuse", "spool"] = Field(
        "refuse",
        description="While the database is away: answer 503, or answer and keep predictions on the local disk for it.",
    )
    reasons: Literal["asked", "adverse", "always"] = Field(
        "asked",
        description="Who gets reasons: those who ask for them, whoever gets the adverse decision too, or everybody.",
    )
    retention_days: float | None = Field(
        None, gt=0, description="How long predictions and outcomes are kept; `riskloop prune` removes older ones."
    )
    requests_per_second: float | None = Field(
        None, gt=0, description="The most that one API key may ask for, over all workers; no limit if left out."
    )
    exploration: float = Field(
        0.0,
        ge=0,
        le=0.5,
        description="Share of customers who are left alone whatever the model says, always the same ones, so that it "
        "is seen what becomes of them; it costs what `riskloop check` says.",
    )
    exploration_salt: str = Field("", description="What those customers are drawn by: another salt, other customers.")

    def explores(self) -> Exploration | None:
        """Who is left alone whatever the model says."""
        return Exploration(self.exploration, self.exploration_salt) if self.exploration else None

    @model_validator(mode="after")
    def _told_apart(self) -> ServingSection:
        if not 0 < self.bands[0] < self.bands[1] < 1:
            raise ValueError("bands are two probabilities, the lower one first")
        if self.labels[0] == self.labels[1]:
            raise ValueError("labels are two different words")
        return self


class MonitoringSection(Section):
    """From when on something counts as moved."""

    level: float = Field(USUAL.level, gt=0, lt=1, description="Share of false ones among columns called moved.")
    moved_psi: float = Field(USUAL.moved_psi, gt=0, description="PSI above chance from which a column has moved.")
    strong_psi: float = Field(USUAL.strong_psi, gt=0, description="The same, moved strongly: one such column suffices.")
    moved_share: float = Field(
        USUAL.moved_share, gt=0, lt=1, description="Change of a share missing, unknown or refused that has moved."
    )
    decisions: float = Field(USUAL.decisions, gt=0, lt=1, description="Change of the share acted on that is drift.")
    columns: int = Field(USUAL.columns, ge=1, description="Moved columns that are drift together.")
    costlier: float = Field(USUAL.costlier, gt=0, description="Growth of the expected cost that is drift.")

    @model_validator(mode="after")
    def _rising(self) -> MonitoringSection:
        if self.strong_psi < self.moved_psi:
            raise ValueError("strong_psi is not below moved_psi")
        return self

    def thresholds(self) -> Thresholds:
        """From when on a difference counts; what is not said stays as usual."""
        return replace(
            USUAL,
            watched_psi=min(USUAL.watched_psi, self.moved_psi),
            watched_share=min(USUAL.watched_share, self.moved_share),
            strong_share=max(USUAL.strong_share, self.moved_share),
            **self.model_dump(),
        )
