"""What may be named as a reason: settings and texts, and what a training found to be nearly the same."""

from __future__ import annotations

from pathlib import Path

from riskloop.data.contract import did_you_mean
from riskloop.data.dataset import Dataset
from riskloop.decide.reason_texts import Texts
from riskloop.decide.reasons import Rules
from riskloop.errors import ConfigError
from riskloop.learn.explaining import business_reasons
from riskloop.learn.plan import Plan
from riskloop.learn.training import Trained
from riskloop.loop.project import Project
from riskloop.settings import read_yaml


def check_reasons(project: Project, derived: tuple[str, ...]) -> None:
    """Hold the section reasons and the table of texts against the contract, before an hour of training.

    Raises
    ------
    ConfigError
        If a name is no feature, or the table cannot be read.
    """
    section, features = project.settings.reasons, project.contract.features
    known = (*features, *derived)
    grouped = [name for names in section.groups.values() for name in names]
    for where, names, allowed in (
        ("reasons.groups", grouped, known),
        ("reasons.immutable", section.immutable, (*known, *project.contract.known)),
        ("reasons.actionable", list(section.actionable), features),
    ):
        if stranger := next((name for name in names if name not in allowed), None):
            raise ConfigError(
                f"There is no feature {stranger!r}{did_you_mean(stranger, allowed)}.",
                where=where,
                next_step="name features as contract.yaml does",
            )
    _rules(project, {name: tuple(names) for name, names in section.groups.items()}, "act", known)


def reason_rules(project: Project, dataset: Dataset, plan: Plan, trained: Trained) -> Rules:
    """The rules of a training's bundle."""
    section = project.settings.reasons
    groups = business_reasons(
        trained.attributions,
        trained.scorer,
        dataset.take(trained.split.train),
        {name: tuple(names) for name, names in section.groups.items()},
        correlated=section.correlated,
    )
    return _rules(project, groups, plan.adverse, (*dataset.contract.features, *plan.derived))


def _rules(project: Project, groups: dict[str, tuple[str, ...]], adverse: str, known: tuple[str, ...]) -> Rules:
    section = project.settings.reasons
    return Rules(
        adverse=adverse,  # type: ignore[arg-type]
        most=section.most,
        protected=tuple(project.settings.problem.sensitive),
        immutable=tuple(section.immutable),
        groups=groups,
        actionable={name: one.bounds() for name, one in section.actionable.items()},
        texts=_texts(project.folder / section.texts, frozenset((*known, *groups, *project.contract.by_name))),
    )


def _texts(path: Path, known: frozenset[str]) -> Texts:
    if not path.exists():
        return Texts()
    return Texts.from_dict(read_yaml(path) or {}, known)
