from __future__ import annotations

import csv
import random
from html.parser import HTMLParser
from typing import Any

import pytest

from riskloop.costs import Costs
from riskloop.data.source import Source
from riskloop.loop.project import Project
from riskloop.loop.workflows.initialise import initialise
from riskloop.loop.workflows.train import train
from riskloop.wiring import open_project

HOSTILE = "<script>alert('1')</script>"
HOSTILE_LEVEL = "a|b](x) `c` <img src=x>"
_VOID = {"meta", "link", "br", "img", "path", "rect", "circle"}


class Page(HTMLParser):
    """Tags and texts of a page; fails where tags do not match."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.texts: list[str] = []
        self._open: list[str] = []
        self.feed(html)
        assert not self._open

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))
        if tag not in _VOID:
            self._open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))

    def handle_endtag(self, tag: str) -> None:
        assert self._open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.texts.append(data)

    @property
    def text(self) -> str:
        return " ".join(" ".join(self.texts).split())

    def named(self, tag: str) -> list[dict[str, str | None]]:
        return [attributes for name, attributes in self.tags if name == tag]


@pytest.fixture(scope="session")
def audited(workshop: Any, tmp_path_factory: pytest.TempPathFactory) -> Project:
    """Version 1 of a project with hostile names, protected groups, formulas for costs and reviews; it has never led."""
    folder = tmp_path_factory.mktemp("audited")
    random.seed(11)
    with (folder / "customers.csv").open("w", newline="", encoding="utf-8") as stream:
        writer = csv.writer(stream)
        writer.writerow(["id", HOSTILE, "kind", "amount", "sex", "left"])
        for number in range(1200):
            signal, sex = random.gauss(0, 1), random.choice("fm")
            left = random.random() < 1 / (1 + 2.718 ** -(1.6 * signal - 1.2 + 0.9 * (sex == "f")))
            kind = random.choice([HOSTILE_LEVEL, "plain", "other"])
            amount = random.randint(50, 500)
            writer.writerow([f"C{number}", f"{signal:.3f}", kind, amount, sex, "yes" if left else "no"])
    initialise(
        workshop.prepare(folder),
        Source(str(folder / "customers.csv")),
        "left",
        positive="yes",
        id_column="id",
        sensitive=("sex",),
        costs=Costs(fp=10, fn=50),
        project="audited",
    )
    changed = {
        "RISKLOOP_ACTOR": "ada",
        "RISKLOOP__COSTS__FN": "0.5 * amount",
        "RISKLOOP__REVIEW__COST": "1",
        "RISKLOOP__REVIEW__MOST": "0.1",
    }
    project = open_project(folder, changed)
    train(project, candidates=("logistic_regression", "decision_tree"))
    return project
