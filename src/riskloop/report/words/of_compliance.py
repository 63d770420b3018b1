"""The words of the compliance pack, in English and in French; names of laws are in documents/laws.json."""

from __future__ import annotations

from riskloop.report.words.of_documents import Pairs

COMPLIANCE: Pairs = {}
