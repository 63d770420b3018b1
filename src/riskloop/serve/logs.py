"""What the service writes to its log: lines for people, or a JSON object each for machines. No inputs, no tokens."""

from __future__ import annotations

import json
import logging
import sys
from datetime import UTC, datetime
from typing import Any, Literal

from riskloop.keep.instant import utc_text

LogForm = Literal["text", "json"]
ACCESS = "riskloop.access"
_LOGGERS = ("riskloop", "uvicorn.error")
_OURS = frozenset(("request_id", "method", "route", "status", "ms", "caller"))


class JsonLines(logging.Formatter):
    """One object per record: time, level, logger, message, what a request was, and a traceback as text."""

    def format(self, record: logging.LogRecord) -> str:
        """One line of JSON."""
        line: dict[str, Any] = {
            "time": utc_text(datetime.fromtimestamp(record.created, UTC)),
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": record.getMessage(),
        }
        line |= {name: value for name, value in vars(record).items() if name in _OURS}
        if record.exc_info:
            line["traceback"] = self.formatException(record.exc_info)
        return json.dumps(line, ensure_ascii=False, default=str)


def configure(form: LogForm, *, requests: bool) -> None:
    """Send the service's records to stderr: warnings, and with ``requests`` a line per request and what leads.

    Called once by a process that serves, never by an import.
    """
    handler = logging.StreamHandler(sys.stderr)
    text = logging.Formatter("%(asctime)s %(levelname)s %(name)s: %(message)s")
    handler.setFormatter(JsonLines() if form == "json" else text)
    for name in _LOGGERS:
        logger = logging.getLogger(name)
        logger.handlers = [handler]
        logger.propagate = False
        logger.setLevel(logging.INFO if requests else logging.WARNING)
