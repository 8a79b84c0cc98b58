"""The worker's lines on stderr, as long as the user's own code says nothing else of logging."""

import logging
import sys
import traceback
from functools import partial


class LastResort(logging.StreamHandler):  # type: ignore[type-arg]
    """Writes what no handler of the user's writes: no line comes twice."""

    def filter(self, record: logging.LogRecord) -> bool:
        """Tell whether nobody else has it."""
        logger: logging.Logger | None = logging.getLogger(record.name)
        while logger:
            if any(handler is not self for handler in logger.handlers):
                return False
            logger = logger.parent if logger.propagate else None
        return bool(super().filter(record))


def begin(level: int) -> None:
    """Log to stderr from this level on."""
    handler = LastResort(sys.stderr)
    logging.basicConfig(
        level=level,
        format="%(asctime)s %(levelname)s %(name)s: %(message)s",
        handlers=[handler],
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
    """Call the handlers; one of the user's that raises stops nothing here."""
    try:
        logging.Logger.callHandlers(logger, record)
    except Exception:
        if logging.raiseExceptions:
            traceback.print_exc()
