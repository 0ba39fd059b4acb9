"""Python's loggers as they were before somebody set them up for a service of their own."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import contextmanager

_SET_UP = ("", "adept", "uvicorn.error", "py.warnings")


@contextmanager
def loggers_as_before() -> Iterator[None]:
    """Undo at the end of the block what `configure_logs` did in it."""
    loggers = [logging.getLogger(name) for name in _SET_UP]
    kept = [(logger, logger.level, [*logger.handlers]) for logger in loggers]
    yield
    logging.captureWarnings(capture=False)
    for logger, level, handlers in kept:
        logger.setLevel(level)
        logger.handlers[:] = handlers
        logger.filters[:] = []
