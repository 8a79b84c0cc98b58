"""The worker's log on stderr, beside whatever logging the user's code configures."""

import logging
import sys
import traceback
from collections.abc import Sequence
from copy import copy
from functools import partial
from typing import Any, Literal, TypeAlias

from .job_telemetry.log_records import mark_records

#: Loggers whose names begin so are the worker's.
_OWN = "gatherq", "gatherq_worker", "arq"


#: How lines are written.
Form: TypeAlias = Literal["text", "json"]
#: Whoever has put something into `Logger.callHandlers`, as Sentry does, hears of a record by it.
_SILENT = logging.Logger("silent")
_SILENT.addHandler(logging.NullHandler())
_TEXT = "%(asctime)s %(levelname)s %(name)s: %(message)s"


class LastResort(logging.StreamHandler):  # type: ignore[type-arg]
    """Writes the records that no handler of the user's gets, so that no line comes twice."""

    def __init__(self, form: Form) -> None:
        super().__init__(sys.stderr)
        self.form = form
        self.setFormatter(logging.Formatter(_TEXT) if form == "text" else _json_formatter())

    def handle(self, record: logging.LogRecord) -> bool:
        """Write the record, unless another handler gets it."""
        if len(_handlers(logging.getLogger(record.name))) > 1:
            return False
        return bool(super().handle(record))


def _handlers(logger: logging.Logger | None) -> list[logging.Handler]:
    """Return all handlers that get the records of `logger`."""
    found: list[logging.Handler] = []
    while logger:
        found += logger.handlers
        logger = logger.parent if logger.propagate else None
    return found


def log_to_stderr(level: int, form: Form = "text") -> None:
    """Log to stderr from this level on; records say which job they are of."""
    logging.basicConfig(level=level, handlers=[LastResort(form)])
    logging.getLogger("asyncio").setLevel(logging.WARNING)
    mark_records(form, str(level))


def log_as(words: Sequence[str]) -> None:
    """Log as the process whose records have these words; without them, configure nothing."""
    if words:
        log_to_stderr(int(words[1]), "json" if words[0] == "json" else "text")


#: Fields of every line that a record has under other names.
_EVERY_LINE = frozenset({"level", "logger", "time"})


def _json_formatter() -> logging.Formatter:
    """Make a formatter that writes a line of JSON for each record, with all of its fields."""
    from pythonjsonlogger.json import JsonFormatter

    from gatherq.contract.values.sayable_json import sayable

    class Lines(JsonFormatter):
        def format(self, record: logging.LogRecord) -> str:
            """Show an error by the text that the record has, if it has one: it is escaped.

            What `extra` names as the fields of every line comes beside them, as `extra_level`.
            """
            record = copy(record)
            if record.exc_text:
                record.exc_info = None
                record.__dict__.pop("traceback", None)
            for name in _EVERY_LINE & record.__dict__.keys():
                record.__dict__[f"extra_{name}"] = record.__dict__.pop(name)
            return super().format(record)

        def jsonify_log_record(self, log_data: dict[str, Any]) -> str:
            """Write JSON: it has no NaN."""
            return super().jsonify_log_record(sayable(log_data))

    names: dict[str, Any] = {"levelname": "level", "name": "logger"}
    format_ = "%(levelname)s %(name)s %(message)s"
    return Lines(format_, rename_fields=names, timestamp="time")


def protect_loggers() -> None:
    """Enable the worker's loggers, and contain what users' handlers raise; for after an import.

    `logging.config.dictConfig` disables all existing loggers, unless it is told
    `disable_existing_loggers=False`. Levels and handlers that it gave the worker's loggers stay.
    """
    for name in list(logging.root.manager.loggerDict):
        if name.partition(".")[0] in _OWN:
            logger = logging.getLogger(name)
            logger.disabled = False
            logger.callHandlers = partial(_call, logger)  # type: ignore[method-assign]


def _call(logger: logging.Logger, record: logging.LogRecord) -> None:
    """Do what `Logger.callHandlers` does, but go on after a handler that raises."""
    handlers = _handlers(logger)
    if not handlers:
        logging.Logger.callHandlers(logger, record)
    for handler in handlers:
        if record.levelno < handler.level:
            continue
        try:
            if type(handler) is not LastResort:
                handler.handle(record)
            elif len(handlers) == 1:
                logging.StreamHandler.handle(handler, record)
        except BaseException:  # whatever it is, a job goes on
            if logging.raiseExceptions:
                traceback.print_exc()
    if handlers:
        logging.Logger.callHandlers(_SILENT, record)
