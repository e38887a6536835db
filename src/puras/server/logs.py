"""The server's own log: one line an event on stderr, JSON where nobody watches.

A line of a request has its `request_id`, and once the key is known `workspace` and `key` (its
prefix); one of a run has `job_id`, `attempt`, `workspace_id` and `skill`. What they are bound to is
the task that works on it, so that no caller has to pass them on.
"""

from __future__ import annotations

import logging
import sys

import structlog


def configure_logs(*, format: str = "auto", level: str = "info") -> None:
    """Send structlog, and warnings of the libraries, to stderr.

    `format` is `json`, `console`, or `auto`: console on a terminal.
    """
    watched = sys.stderr.isatty() if format == "auto" else format == "console"
    renderer: structlog.typing.Processor = (
        structlog.dev.ConsoleRenderer() if watched else structlog.processors.JSONRenderer()
    )
    structlog.configure(
        processors=[
            structlog.contextvars.merge_contextvars,
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            structlog.processors.format_exc_info,
            renderer,
        ],
        wrapper_class=structlog.make_filtering_bound_logger(logging.getLevelName(level.upper())),
        logger_factory=structlog.PrintLoggerFactory(sys.stderr),
    )
    logging.basicConfig(level=logging.WARNING, stream=sys.stderr, force=True)
