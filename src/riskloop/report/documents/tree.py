"""The tree of a document: sections of facts, tables, sentences and figures, each with the hash of its source."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from riskloop.report.documents.drawing import Drawing
from riskloop.report.words import Language


@dataclass(frozen=True, slots=True)
class Source:
    """What a fact comes from: the name of a kind of artifact, and its SHA-256; one or more of them.

    Kinds are ``bundle``, ``data``, ``log`` (the head of the promotion log), ``record`` (of the version),
    ``profile`` (of the rows watched), ``laws`` and ``components``.
    """

    hashes: Mapping[str, str]

    @property
    def label(self) -> str:
        """Short, for a reader."""
        return " · ".join(f"{kind} {digest[:12]}" for kind, digest in self.hashes.items())

    def to_dict(self) -> dict[str, str]:
        """Plain JSON values."""
        return {kind: f"sha256:{digest}" for kind, digest in self.hashes.items()}


@dataclass(frozen=True, slots=True)
class Value:
    """Something known: as it is read, and as a plain JSON value.

    ``english`` marks sentences that the system wrote, which are English in every document; ``code`` what is typed or
    compared letter by letter.
    """

    text: str
    raw: Any = None
    english: bool = False
    code: bool = False

    def to_dict(self) -> dict[str, Any]:
        """Plain JSON values."""
        return {"text": self.text, "value": self.raw}


@dataclass(frozen=True, slots=True)
class Open:
    """Something the system cannot know: who is to complete it. ``text`` says so to a reader."""

    role: str
    text: str

    def to_dict(self) -> dict[str, Any]:
        """Plain JSON values."""
        return {"open": self.role, "text": self.text}


@dataclass(frozen=True, slots=True)
class Fact:
    """One point of a document, answered or open."""

    key: str
    label: str
    value: Value | Open

    def to_dict(self) -> dict[str, Any]:
        """Plain JSON values."""
        return {"key": self.key, "label": self.label, **self.value.to_dict()}


@dataclass(frozen=True, slots=True)
class Facts:
    """Points with their answers. ``large`` ones are shown as tiles."""

    facts: tuple[Fact, ...]
    source: Source
    large: bool = False

    def to_dict(self) -> dict[str, Any]:
        """Plain JSON values."""
        return {"facts": [one.to_dict() for one in self.facts], "source": self.source.to_dict()}


@dataclass(frozen=True, slots=True)
class Said:
    """Sentences."""

    sentences: tuple[Value, ...]
    source: Source

    def to_dict(self) -> dict[str, Any]:
        """Plain JSON values."""
        return {"sentences": [one.text for one in self.sentences], "source": self.source.to_dict()}


@dataclass(frozen=True, slots=True)
class Column:
    """A column of a table; numbers stand at the right, and what is ``spare`` is left out on a narrow screen."""

    label: str
    numeric: bool = False
    spare: bool = False


@dataclass(frozen=True, slots=True)
class Table:
    """Rows of values under columns. ``folded`` ones are opened on demand."""

    key: str
    title: str
    columns: tuple[Column, ...]
    rows: tuple[tuple[Value | Open, ...], ...]
    source: Source
    note: str = ""
    folded: bool = False

    def to_dict(self) -> dict[str, Any]:
        """Plain JSON values."""
        return {
            "table": self.key,
            "title": self.title,
            "columns": [one.label for one in self.columns],
            "rows": [[cell.to_dict() for cell in row] for row in self.rows],
            "note": self.note,
            "source": self.source.to_dict(),
        }


@dataclass(frozen=True, slots=True)
class Figure:
    """A drawing; ``says`` tells someone who does not see it what it shows."""

    key: str
    title: str
    says: str
    source: Source
    drawing: Drawing

    def to_dict(self) -> dict[str, Any]:
        """Plain JSON values."""
        return {"figure": self.key, "title": self.title, "says": self.says, "source": self.source.to_dict()}


Block = Facts | Said | Table | Figure


@dataclass(frozen=True, slots=True)
class Section:
    """A heading and what stands under it; ``number`` is that of a point of a law."""

    key: str
    title: str
    blocks: tuple[Block, ...] = ()
    sections: tuple[Section, ...] = ()
    number: str = ""
    note: str = ""

    def walk(self) -> Iterator[Section]:
        """Itself and all below it."""
        yield self
        for one in self.sections:
            yield from one.walk()

    def to_dict(self) -> dict[str, Any]:
        """Plain JSON values."""
        return {
            "key": self.key,
            "number": self.number,
            "title": self.title,
            "note": self.note,
            "blocks": [one.to_dict() for one in self.blocks],
            "sections": [one.to_dict() for one in self.sections],
        }


@dataclass(frozen=True)
class Completeness:
    """How many points of a document are answered, and which are open.

    Attributes
    ----------
    answered, points : int
    open : mapping of str to tuple of str
        By role, the places (``section/point``) that are to be completed.
    """

    answered: int
    points: int
    open: Mapping[str, tuple[str, ...]]

    @property
    def share(self) -> float:
        return self.answered / self.points if self.points else 1.0

    def to_dict(self) -> dict[str, Any]:
        """Plain JSON values."""
        return {
            "answered": self.answered,
            "points": self.points,
            "share": self.share,
            "open": {role: list(places) for role, places in self.open.items()},
        }


def completeness(sections: tuple[Section, ...]) -> Completeness:
    """Count the points of the sections: facts, answered or open; cells of tables are none."""
    answered, waiting = 0, dict[str, list[str]]()
    for section in (below for one in sections for below in one.walk()):
        for fact in (fact for block in section.blocks if isinstance(block, Facts) for fact in block.facts):
            if isinstance(fact.value, Open):
                waiting.setdefault(fact.value.role, []).append(f"{section.key}/{fact.key}")
            else:
                answered += 1
    total = answered + sum(map(len, waiting.values()))
    return Completeness(answered, total, {role: tuple(places) for role, places in sorted(waiting.items())})


@dataclass(frozen=True)
class Document:
    """Everything a document says; pages, Markdown and JSON are three ways to write it down.

    Attributes
    ----------
    schema : str
        Name and version of the JSON form.
    title, subtitle : str
    language : {"en", "fr"}
    generated : datetime
        Shown and stored as given.
    version : int
    digest : str
        Of the version's bundle.
    sections : tuple of Section
    completeness : Completeness
    notice : str
        What the document is not.
    front : mapping
        Plain values for the head of the Markdown form.
    more : mapping
        Plain values that the JSON form alone carries, by key.
    """

    schema: str
    title: str
    subtitle: str
    language: Language
    generated: datetime
    version: int
    digest: str
    sections: tuple[Section, ...]
    completeness: Completeness
    notice: str
    front: Mapping[str, Any] = field(default_factory=dict)
    more: Mapping[str, Any] = field(default_factory=dict)

    def to_dict(self) -> dict[str, Any]:
        """Plain JSON values."""
        return {
            "schema": self.schema,
            "title": self.title,
            "subtitle": self.subtitle,
            "language": self.language,
            "generated": self.generated.isoformat(),
            "version": self.version,
            "digest": f"sha256:{self.digest}",
            "notice": self.notice,
            "completeness": self.completeness.to_dict(),
            "front": dict(self.front),
            "sections": [one.to_dict() for one in self.sections],
            **self.more,
        }
