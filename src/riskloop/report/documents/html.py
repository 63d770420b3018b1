"""A document as one self-contained page: no scripts, nothing loaded from elsewhere."""

from __future__ import annotations

from riskloop.report.documents.pen import Pen
from riskloop.report.documents.tree import Document
from riskloop.report.page import render


def html(document: Document) -> str:
    """The page; whatever it shows is escaped."""
    return render("document.html.j2", language=document.language, document=document, answered=answered(document))


def answered(document: Document) -> str:
    """How complete the document is, in a sentence."""
    pen, known = Pen(document.language), document.completeness
    return pen.say("answered_of", answered=known.answered, points=known.points, share=pen.plain(known.share, "percent"))
