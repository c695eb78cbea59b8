"""Log lines, for people or as JSON, that never hold tokens or passwords."""

import logging
import re
import sys
from typing import Literal

import structlog
from structlog.typing import EventDict, Processor, WrappedLogger

LogForm = Literal["console", "json"]

_PASSWORD_IN_URL = re.compile(r"(\w://[^/\s:@]*):[^@/\s]+@")
_TOKEN = re.compile(r"((?:token|password|secret|key)=)[^&\s\"']+", re.IGNORECASE)
_BEARER = re.compile(r"(bearer\s+)\S+", re.IGNORECASE)
_SECRET_KEYS = frozenset({"token", "password", "credential", "authorization", "cookie"})


def scrubbed(text: str) -> str:
    """The text without passwords in URLs and without tokens."""
    text = _PASSWORD_IN_URL.sub(r"\1:***@", text)
    return _BEARER.sub(r"\1***", _TOKEN.sub(r"\1***", text))


def scrub(_: WrappedLogger, __: str, event: EventDict) -> EventDict:
    """structlog processor: `scrubbed` for every text of a log entry."""
    for key, value in event.items():
        if key in _SECRET_KEYS:
            event[key] = "***"
        elif isinstance(value, str):
            event[key] = scrubbed(value)
    return event


def set_up_logging(form: LogForm = "console", level: str = "info") -> None:
    """Write log lines to stderr; those of the libraries below from `warning` on."""
    threshold = logging.getLevelNamesMapping()[level.upper()]
    shared: list[Processor] = [
        structlog.stdlib.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        structlog.processors.StackInfoRenderer(),
        # Before `scrub`, and without the values of variables, which may be secrets.
        structlog.processors.format_exc_info,
    ]
    closing: list[Processor] = [
        scrub,
        structlog.processors.JSONRenderer()
        if form == "json"
        else structlog.dev.ConsoleRenderer(
            colors=sys.stderr.isatty(),
            pad_event_to=24,
            exception_formatter=structlog.dev.plain_traceback,
        ),
    ]
    structlog.configure(
        processors=[*shared, *closing],
        wrapper_class=structlog.make_filtering_bound_logger(threshold),
        logger_factory=structlog.PrintLoggerFactory(sys.stderr),
        cache_logger_on_first_use=False,
    )
    lines = logging.StreamHandler(sys.stderr)
    lines.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=shared,
            processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, *closing],
        )
    )
    # Said of every WebSocket that is refused as HTTP is, which anybody may cause.
    logging.getLogger("uvicorn.error").addFilter(
        lambda record: "without completing handshake" not in record.getMessage()
    )
    root = logging.getLogger()
    root.handlers[:] = [lines]
    root.setLevel(logging.WARNING)
