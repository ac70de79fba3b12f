"""Logs: one line of JSON each, or a line for people on a laptop.  What structlog bound (request id) is carried along.

No line says a whole number, a text or a secret: what looks like one is taken out of everything, fields whose name says
that they hold one are left out, and so are the values PostgreSQL puts into its complaints.
"""

import logging
import re
import sys
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

import msgspec
import structlog

LEFT_OUT = "…"
#: Fields whose value is never shown, whatever it is.
PRIVATE = frozenset(
    {
        *("authorization", "cookie", "password", "secret", "token"),
        *("number", "numbers", "phone", "recipient", "recipients", "to", "typed"),
        *("body", "raw", "text", "values", "variables"),
    }
)

# Ids, dates and amounts have their own letters and signs around their digits; a number to call stands alone.
_NUMBER = re.compile(r"(?:\+|%2B|(?<![\w.])00)\d[\d .()-]{6,18}\d|(?<![\w.:-])\d{9,15}(?![\w:-])")
_SECRETS = re.compile(r"\b(?:sb_(?:live|test)_|sk_(?:live|test)_|whsec_)[\w+/=-]+|(?i:\bbearer )\S+")
_PASSWORD_IN_URL = re.compile(r"(://[^:/@\s]*):[^@\s]+@")
_VALUES_OF_ROWS = re.compile(r"^(DETAIL|CONTEXT):.*$", re.MULTILINE)
_VALUES_OF_QUERY = re.compile(r"([?&][^=&\s']+=)[^&\s']+")
_SIMPLE = (int, float, bool, type(None))


def clean(text: str) -> str:
    """The text without whole numbers, secrets and the values of anybody's rows."""
    text = _PASSWORD_IN_URL.sub(rf"\1:{LEFT_OUT}@", _SECRETS.sub(LEFT_OUT, text))
    return _NUMBER.sub(LEFT_OUT, _VALUES_OF_QUERY.sub(rf"\1{LEFT_OUT}", _VALUES_OF_ROWS.sub(rf"\1: {LEFT_OUT}", text)))


def redact(logger: Any, method: str, event: Mapping[str, Any]) -> dict[str, Any]:
    """A structlog processor: every field cleaned."""
    return {name: LEFT_OUT if name in PRIVATE else _cleaned(value) for name, value in event.items()}


def _cleaned(value: Any) -> Any:
    if isinstance(value, _SIMPLE):
        return value
    if isinstance(value, Mapping):
        return redact(None, "", {str(name): one for name, one in value.items()})
    if isinstance(value, (list, tuple, set, frozenset)):
        return [_cleaned(one) for one in value]
    return clean(str(value))


_SHARED = [
    structlog.contextvars.merge_contextvars,
    structlog.stdlib.add_log_level,
    structlog.stdlib.add_logger_name,
    structlog.processors.TimeStamper(fmt="iso"),
]


def _formatter(renderer: Any) -> structlog.stdlib.ProcessorFormatter:
    return structlog.stdlib.ProcessorFormatter(
        foreign_pre_chain=[*_SHARED, structlog.stdlib.ExtraAdder()],
        processors=[
            structlog.stdlib.ProcessorFormatter.remove_processors_meta,
            structlog.processors.format_exc_info,
            redact,
            renderer,
        ],
    )


def JsonFormatter() -> structlog.stdlib.ProcessorFormatter:  # noqa: N802  (named as the class it stands for)
    return _formatter(structlog.processors.JSONRenderer(default=str))


def ConsoleFormatter() -> structlog.stdlib.ProcessorFormatter:  # noqa: N802
    """Lines for people, in colour where there is some."""
    return _formatter(structlog.dev.ConsoleRenderer(colors=sys.stderr.isatty(), pad_event_to=40))


class FactsFormatter(logging.Formatter):
    """JSON of `record.facts`, made in a few microseconds: for lines of our own that come with every batch of messages and
    hold nothing but ids and counts."""

    def format(self, record: logging.LogRecord) -> str:
        bound = structlog.contextvars.get_contextvars()
        line = {
            "event": record.msg,
            **record.facts,
            **({"request_id": bound["request_id"]} if "request_id" in bound else {}),
            "level": record.levelname.lower(),
            "logger": record.name,
            "timestamp": datetime.fromtimestamp(record.created, UTC).isoformat(),
        }
        return msgspec.json.encode(line, enc_hook=str).decode()


structlog.configure(
    processors=[
        structlog.stdlib.filter_by_level,
        *_SHARED,
        structlog.stdlib.ProcessorFormatter.wrap_for_formatter,
    ],
    logger_factory=structlog.stdlib.LoggerFactory(),
    cache_logger_on_first_use=True,
)
