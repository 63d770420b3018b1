"""What laws ask for, from one dated file: their names, numbers, titles and dates stand there and nowhere else."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Any

from riskloop.report.documents.tree import Source
from riskloop.report.words import Language


@dataclass(frozen=True)
class Article:
    """A place in a law that a document refers to."""

    number: str
    title: str


@dataclass(frozen=True)
class Law:
    """A law in the language of a document."""

    name: str
    cite: str
    dates: tuple[tuple[str, str], ...]
    articles: Mapping[str, Article]

    def place(self, article: str) -> str:
        """An article with the name of its law."""
        return f"{self.name}, {self.articles[article].number}"


@dataclass(frozen=True)
class Point:
    """A point of the technical documentation; ``key`` says which facts answer it."""

    key: str
    number: str
    title: str


@dataclass(frozen=True)
class Group:
    """Points under one heading."""

    number: str
    title: str
    points: tuple[Point, ...]


@dataclass(frozen=True)
class Laws:
    """The file, in one language.

    Attributes
    ----------
    as_of : str
        The day on which it was looked over.
    laws : mapping of str to Law
    place : str
        Where the points of the technical documentation are listed.
    groups : tuple of Group
        Those points.
    source : Source
    """

    as_of: str
    laws: Mapping[str, Law]
    place: str
    groups: tuple[Group, ...]
    source: Source

    def __getitem__(self, law: str) -> Law:
        return self.laws[law]


@cache
def read_laws(language: Language) -> Laws:
    """The laws that documents refer to."""
    data = files("riskloop.report.documents").joinpath("laws.json").read_bytes()
    document = json.loads(data)
    listed = document["documentation"]
    return Laws(
        as_of=document["as_of"],
        laws={key: _law(law, language) for key, law in document["laws"].items()},
        place=listed["place"][language],
        groups=tuple(_group(group, language) for group in listed["groups"]),
        source=Source({"laws": hashlib.sha256(data).hexdigest()}),
    )


def _law(law: Mapping[str, Any], language: Language) -> Law:
    articles = law["articles"].items()
    return Law(
        name=law["name"][language],
        cite=law["cite"][language],
        dates=tuple((one["date"], one["what"][language]) for one in law["dates"]),
        articles={key: Article(one["number"][language], one["title"][language]) for key, one in articles},
    )


def _group(group: Mapping[str, Any], language: Language) -> Group:
    points = (Point(one["key"], one["number"], one["title"][language]) for one in group["points"])
    return Group(group["number"], group["title"][language], tuple(points))
