"""The log of a node: JSON, one object a line, to a file or to standard error; in a terminal short lines for people.

In come records of this package's loggers, and notices. Out go lines. At the default level no line links a peer to a
cell, and at no level does one hold a letter's text or a key's secret half.

Several nodes may run in one process, each with a log of its own: a context variable, which follows every task and worker
thread, tells whose record it is.
"""

import logging
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from pathlib import Path
from typing import Any

import structlog

from p2p_sos.core.notices import Notice, SitrepSeen
from p2p_sos.drivers.api.notices import notice_json
from p2p_sos.drivers.settings import LogSettings

PACKAGE = "p2p_sos"
UNSHOWN = (
    "node",
    "event",
    "level",
    "timestamp",
    "exception",
    "message",  # what another handler's formatter left on the record
)  # named elsewhere on the line, or plain in a terminal
SEALED = ("text",)  # fields of notices that stay out of every log
_node: ContextVar[str] = ContextVar("p2p_sos_node", default="")
_PROCESSORS: list[Any] = [
    structlog.stdlib.add_log_level,
    structlog.stdlib.ExtraAdder(),
    structlog.processors.TimeStamper(fmt="iso", utc=True),
    structlog.processors.format_exc_info,
]


class _Ours(logging.Filter):
    """Lets through what was logged for one node."""

    def __init__(self, node: str) -> None:
        super().__init__()
        self._node = node

    def filter(self, record: logging.LogRecord) -> bool:
        del record  # it is the task that tells
        return _node.get() == self._node


@contextmanager
def log_of(node: str, settings: LogSettings, root: Path) -> Iterator[logging.Logger]:
    """Log what this task and its children say, as `node`'s. A relative file lies in `root`. Raises `OSError`."""
    handler: logging.Handler
    if settings.file:
        handler = logging.FileHandler(root / settings.file, encoding="utf-8")
    else:
        handler = logging.StreamHandler(sys.stderr)
    handler.setLevel(settings.level.upper())
    handler.addFilter(_Ours(node))
    renderer: Any = structlog.processors.JSONRenderer()
    if not settings.file and sys.stderr.isatty():
        renderer = _for_people
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=_PROCESSORS,
            processors=[
                _with_node(node),
                structlog.stdlib.ProcessorFormatter.remove_processors_meta,
                renderer,
            ],
        )
    )
    package = logging.getLogger(PACKAGE)
    package.propagate = False  # a library that configures the root must not print our lines a second time
    token = _node.set(node)
    package.addHandler(handler)
    package.setLevel(min(handler.level, package.level or handler.level))
    try:
        yield logging.getLogger(f"{PACKAGE}.node")
    finally:
        package.removeHandler(handler)
        handler.close()
        _node.reset(token)


def _for_people(_logger: Any, _method: str, event: dict[str, Any]) -> str:
    """One record as one short line; the whole of it stands in a log file."""
    told = {name: value for name, value in event.items() if name not in UNSHOWN}
    at = time.strftime("%H:%M:%S")
    level = "" if event.get("level") == "info" else f"{str(event.get('level')).upper()} "
    rest = "  ".join(f"{name} {_short(value)}" for name, value in told.items())
    line = f"{at}  {level}{_plain(str(event.get('event')))}" + (f"  {rest}" if rest else "")
    trace = event.get("exception")
    return f"{line}\n{trace}" if trace else line


def _short(value: Any) -> str:
    if isinstance(value, list):
        return ", ".join(_short(entry) for entry in value) or "none"
    text = _plain(str(value))
    return text[:8] if len(text) == 64 and not text.strip("0123456789abcdef") else text


def _plain(text: str) -> str:
    """Without what could steer a terminal."""
    return "".join(character if character.isprintable() else "?" for character in text)


def _with_node(node: str) -> Any:
    def add(_logger: Any, _method: str, event: dict[str, Any]) -> dict[str, Any]:
        return {"node": node, **event}

    return add


def log_notice(logger: logging.Logger, notice: Notice, at_unix_s: float) -> None:
    """One line for one notice, without what was sealed."""
    told = notice_json(notice, at_unix_s)
    name = told.pop("notice")
    told.pop("at_unix_s")
    # A lead reports every few seconds: what it says stands on the screens and in the metrics.
    level = logging.DEBUG if isinstance(notice, SitrepSeen) else logging.INFO
    logger.log(level, name, extra={key: value for key, value in told.items() if key not in SEALED})
