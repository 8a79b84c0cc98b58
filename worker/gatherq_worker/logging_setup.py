"""The worker's log on stderr, beside whatever logging the user's code configures."""

import logging
import sys
import traceback
from functools import partial

#: Loggers whose names begin so are the worker's.
_OWN = "gatherq", "gatherq_worker", "arq"


class LastResort(logging.StreamHandler):  # type: ignore[type-arg]
    """Writes the records that no handler of the user's gets, so that no line comes twice."""

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


def log_to_stderr(level: int) -> None:
    """Log to stderr from this level on."""
    logging.basicConfig(
        level=level,
        format="%(asctime)s %(levelname)s %(name)s: %(message)s",
        handlers=[LastResort(sys.stderr)],
    )
    logging.getLogger("asyncio").setLevel(logging.WARNING)


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
        except Exception:
            if logging.raiseExceptions:
                traceback.print_exc()
