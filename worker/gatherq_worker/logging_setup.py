"""The worker's lines on stderr, as long as the user's own code says nothing else of logging."""

import logging
import sys
import traceback
from functools import partial


class LastResort(logging.StreamHandler):  # type: ignore[type-arg]
    """Writes what no handler of the user's writes: no line comes twice."""

    def handle(self, record: logging.LogRecord) -> bool:
        """Write the record, unless somebody else has it."""
        if len(_handlers(logging.getLogger(record.name))) > 1:
            return False
        return bool(super().handle(record))


def _handlers(logger: logging.Logger | None) -> list[logging.Handler]:
    """Return all that get what `logger` is told."""
    found: list[logging.Handler] = []
    while logger:
        found += logger.handlers
        logger = logger.parent if logger.propagate else None
    return found


def begin(level: int) -> None:
    """Log to stderr from this level on."""
    logging.basicConfig(
        level=level,
        format="%(asctime)s %(levelname)s %(name)s: %(message)s",
        handlers=[LastResort(sys.stderr)],
    )
    logging.getLogger("asyncio").setLevel(logging.WARNING)


def heed() -> None:
    """Switch on again what the user's configuration did not mention.

    `logging.config.dictConfig` silences all loggers that were there before, unless it is told
    `disable_existing_loggers=False`. Handlers that raise are contained. Levels and handlers
    that it gives ours are left as they are.
    """
    for name in list(logging.root.manager.loggerDict):
        if name.partition(".")[0] in ("gatherq", "gatherq_worker", "arq"):
            logger = logging.getLogger(name)
            logger.disabled = False
            logger.callHandlers = partial(_call, logger)  # type: ignore[method-assign]


def _call(logger: logging.Logger, record: logging.LogRecord) -> None:
    """Do what `Logger.callHandlers` does; a handler of the user's that raises stops nothing."""
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
