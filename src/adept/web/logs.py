"""Where the process's log goes and how its lines look: one line per event, JSON for programs or text for people.

Tracebacks show code, never the values of variables: those may be secrets.
"""

from __future__ import annotations

import logging
from typing import TextIO

import structlog
from structlog.typing import EventDict, Processor, WrappedLogger

from adept.setting_values import LogFormat, LogLevel
from adept.web.request_id import current_request_id


def configure_logs(level: LogLevel, form: LogFormat, stream: TextIO) -> None:
    """Send every logger's lines to the stream: adept's from `level` on, others' from warnings on."""
    handler = logging.StreamHandler(stream)
    handler.setFormatter(_formatter(form, is_terminal=stream.isatty()))
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(logging.WARNING)
    logging.getLogger("adept").setLevel(level.upper())
    server = logging.getLogger("uvicorn.error")
    server.filters[:] = [_is_news]
    logging.captureWarnings(capture=True)


def _formatter(form: LogFormat, *, is_terminal: bool) -> logging.Formatter:
    parts: list[Processor] = [
        structlog.stdlib.add_log_level,
        structlog.stdlib.add_logger_name,
        structlog.stdlib.ExtraAdder(),
        _add_request_id,
        _write_out,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
    ]
    ending: list[Processor] = [structlog.stdlib.ProcessorFormatter.remove_processors_meta]
    if form is LogFormat.JSON:
        ending += [structlog.processors.format_exc_info, structlog.processors.JSONRenderer(ensure_ascii=False)]
    else:
        plain = structlog.dev.plain_traceback
        ending += [structlog.dev.ConsoleRenderer(colors=is_terminal, exception_formatter=plain)]
    return structlog.stdlib.ProcessorFormatter(foreign_pre_chain=parts, processors=ending)


def _add_request_id(_logger: WrappedLogger, _method: str, event: EventDict) -> EventDict:
    request_id = current_request_id()
    if request_id is not None:
        event["request_id"] = request_id
    return event


def _write_out(_logger: WrappedLogger, _method: str, event: EventDict) -> EventDict:
    """Nothing that came from outside ends a line, moves a terminal's cursor, or turns the order of what is read."""
    for name, value in event.items():
        if isinstance(value, str) and not value.isprintable():
            event[name] = "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in value)
    return event


def _is_news(record: logging.LogRecord) -> bool:
    """What the server says of answers that were cut off, the request's own line says better."""
    message = record.getMessage()
    return "without completing response" not in message and "graceful shutdown exceeded" not in message
