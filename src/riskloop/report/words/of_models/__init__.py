"""The words of the model report, in English and in French."""

from __future__ import annotations

from riskloop.report.words.of_documents import Pairs
from riskloop.report.words.of_models.closer import CLOSER
from riskloop.report.words.of_models.governance import GOVERNANCE
from riskloop.report.words.of_models.limits import LIMITS
from riskloop.report.words.of_models.opening import OPENING
from riskloop.report.words.of_models.results import RESULTS

MODELS: Pairs = {**OPENING, **RESULTS, **CLOSER, **LIMITS, **GOVERNANCE}
