"""What Sentry is told of one job, wherever it runs: whose an event is, and the event of an error.

The names (`arq-job`, `arq_task_id`) are those of Sentry's `ArqIntegration`.
"""

import linecache
import re
from dataclasses import dataclass
from types import TracebackType
from typing import TYPE_CHECKING, Any

import sentry_sdk
from sentry_sdk.scope import should_send_default_pii
from sentry_sdk.utils import event_from_exception

from gatherq.contract.remote_errors.error_info import ErrorInfo

if TYPE_CHECKING:
    from sentry_sdk._types import Event, EventProcessor, Hint

#: How an event was caught: by the integration, and not by the user's code.
_MECHANISM = {"type": "arq", "handled": False}
#: In place of arguments that the user does not let be sent.
_HIDDEN = "[Filtered]"
_OURS = ("gatherq", "gatherq_worker")
_FRAME = re.compile(r'^  File "(.+)", line (\d+), in (.+)$', re.MULTILINE)


@dataclass(frozen=True, slots=True)
class ToldJob:
    """What Sentry is told of a job: `number` is that of its attempt, as arq counts."""

    job_id: str
    name: str
    number: int
    args: Any
    kwargs: Any

    def processor(self) -> "EventProcessor":
        """Make what says in each event and transaction of a scope that it is of this job."""

        def process(event: "Event", hint: "Hint") -> "Event":
            event["transaction"] = self.name
            tags: Any = event.setdefault("tags", {})
            tags["arq_task_id"] = self.job_id
            tags["arq_task_retry"] = self.number > 1
            shown = shows_arguments()
            event.setdefault("extra", {})["arq-job"] = {
                "task": self.name,
                "retry": self.number,
                "args": self.args if shown else _HIDDEN,
                "kwargs": self.kwargs if shown else _HIDDEN,
            }
            return event

        return process


def shows_arguments() -> bool:
    """Tell whether the user lets arguments be sent."""
    collection: Any = sentry_sdk.get_client().options.get("data_collection") or {}
    if collection.get("provided_by_user"):
        return bool(collection["queues"])
    return should_send_default_pii()


def capture(error: BaseException) -> None:
    """Capture an error that a handler raised, in the scopes that are current."""
    event, hint = event_from_exception(
        (type(error), error, _of_the_handler(error.__traceback__)),
        client_options=sentry_sdk.get_client().options,
        mechanism=_MECHANISM,
    )
    sentry_sdk.capture_event(event, hint=hint)


def capture_described(info: ErrorInfo) -> None:
    """Capture an error that is known as data, with those behind it."""
    values = [_described(each) for each in _chain(info)]
    sentry_sdk.capture_event({"level": "error", "exception": {"values": values}})


def _of_the_handler(traceback: TracebackType | None) -> TracebackType | None:
    """Leave out the frames of the engine, which called the handler; all, if there are no others."""
    found = traceback
    while found and found.tb_frame.f_globals.get("__name__", "").partition(".")[0] in _OURS:
        found = found.tb_next
    return found or traceback


def _chain(info: ErrorInfo) -> list[ErrorInfo]:
    """Return an error and those behind it, the oldest first."""
    found: list[ErrorInfo] = []
    each: ErrorInfo | None = info
    while each is not None:
        found.insert(0, each)
        each = each.cause or (None if each.suppressed else each.context)
    return found


def _described(info: ErrorInfo) -> dict[str, Any]:
    """Return an error as Sentry has an exception, with the frames that its traceback names."""
    module, _, kind = info.type.rpartition(".")
    value: dict[str, Any] = {
        "type": kind,
        "value": info.message,
        "module": module or None,
        "mechanism": _MECHANISM,
    }
    frames = [_frame(*found) for found in _FRAME.findall(info.traceback)]
    return {**value, "stacktrace": {"frames": frames}} if frames else value


def _frame(file: str, line: str, function: str) -> dict[str, Any]:
    number = int(line)
    text = linecache.getline(file, number).rstrip("\n")
    frame = {"abs_path": file, "filename": file, "function": function, "lineno": number}
    return {**frame, "context_line": text} if text else frame
