"""A document as Markdown, with a head of plain values in YAML."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from riskloop.report.documents.html import answered
from riskloop.report.documents.pen import Pen
from riskloop.report.documents.tree import Block, Document, Facts, Figure, Open, Said, Section, Source, Table, Value

_MARKS = re.compile(r"([\\`*_\[\]|~#])")
_ENTITIES = str.maketrans({"&": "&amp;", "<": "&lt;", ">": "&gt;"})


def markdown(document: Document) -> str:
    """The text; whatever comes from tables can neither format nor link anything."""
    lines = [f"{escaped(document.subtitle)} · `{document.digest[:12]}`", ""]
    lines += [escaped(answered(document)), ""] if document.completeness.points else []
    lines += [f"*{escaped(document.notice)}*", ""]
    return text(document.title, document.front, lines, document.sections, Pen(document.language))


def text(title: str, front: Mapping[str, Any], lines: Iterable[str], sections: Iterable[Section], pen: Pen) -> str:
    """Sections under a title, with a head of plain values in YAML, and lines of Markdown before the first section."""
    import yaml

    head = yaml.safe_dump(dict(front), sort_keys=False, allow_unicode=True, width=110)
    written = ["---", head.rstrip(), "---", "", f"# {escaped(title)}", "", *lines]
    for section in sections:
        written += _section(section, 2, pen)
    return "\n".join(written).rstrip() + "\n"


def escaped(words: str) -> str:
    """Text as it is read: no mark, tag or line break of it means anything."""
    return _MARKS.sub(r"\\\1", " ".join(words.translate(_ENTITIES).split()))


def _section(section: Section, level: int, pen: Pen) -> Iterator[str]:
    number = f"{section.number} " if section.number else ""
    yield f"{'#' * level} {escaped(number + section.title)}"
    yield ""
    if section.note:
        yield from (escaped(section.note), "")
    for block in section.blocks:
        yield from _block(block, level + 1, pen)
    for below in section.sections:
        yield from _section(below, level + 1, pen)


def _block(block: Block, level: int, pen: Pen) -> Iterator[str]:
    match block:
        case Facts():
            for fact in block.facts:
                yield "- " + pen.say("labelled", label=escaped(fact.label), value=_cell(fact.value))
        case Said():
            for one in block.sentences:
                yield f"- {_cell(one)}" if len(block.sentences) > 1 else _cell(one)
        case Figure():
            yield pen.say("labelled", label=f"**{escaped(block.title)}**", value=escaped(block.says))
        case Table():
            if block.title:
                yield from (f"{'#' * level} {escaped(block.title)}", "")
            yield from _table(block, pen)
    yield ""
    yield _source(block.source, pen)
    yield ""


def _table(table: Table, pen: Pen) -> Iterator[str]:
    if table.rows:
        yield _row(escaped(column.label) for column in table.columns)
        yield _row("---:" if column.numeric else "---" for column in table.columns)
        for row in table.rows:
            yield _row(_cell(value) for value in row)
    else:
        yield escaped(pen.say("none_listed"))
    if table.note:
        yield ""
        yield escaped(table.note)


def _row(cells: Iterator[str]) -> str:
    return f"| {' | '.join(cells)} |"


def _cell(value: Value | Open) -> str:
    if isinstance(value, Open):
        return f"**{escaped(value.text)}**"
    return escaped(value.text)


def _source(source: Source, pen: Pen) -> str:
    return f"<sub>{escaped(pen.say('source_of', hashes=source.label))}</sub>"
