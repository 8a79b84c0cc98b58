"""`Redaction`: slots, error groups and workers, without what is not to be shown."""

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

from gatherq.contract.outcomes import AnyOutcome, AttemptInfo, Cancelled, Failed, Succeeded
from gatherq.contract.remote_errors.error_info import ErrorInfo
from gatherq.inspection.error_group import FURTHER, ErrorGroup, group_of_slot
from gatherq.inspection.limits.places import GATE, gate_parts
from gatherq.inspection.slot_info import SlotInfo
from gatherq.inspection.worker_info import RunningJob, WorkerInfo

from .values import HIDDEN, Redact, hide, redacted

#: Deepest nesting of causes and members that is shown.
_MAX_DEPTH = 50
#: What groups say that is not of an error: a limit; and a type without a message.
_SAFE = re.compile(r"timed out: \w+ limit of [\d.e+-]+ s|[\w.]+|")


@dataclass(frozen=True, slots=True)
class Redaction:
    """Hides what `redact` hides; without it nothing."""

    redact: Redact | None = None

    def slot(self, slot: SlotInfo) -> SlotInfo:
        """Return a slot as it is shown; it stays in its error group."""
        if self.redact is None:
            return slot
        signature, _, where = group_of_slot(slot)
        args, kwargs = self._arguments(slot)
        return replace(
            slot,
            args=args,
            kwargs=kwargs,
            history=tuple(map(self._attempt, slot.history)),
            outcome=self._outcome(slot.outcome, signature),
            where=where,
            waits_at=self._place(slot.waits_at),
        )

    def gate(self, name: str) -> str:
        """Return the name of a gate as it is shown: an argument may be in it."""
        job, argument = gate_parts(name)
        return f"{job}:{HIDDEN}" if argument and self.redact is not None else name

    def _place(self, waits_at: str) -> str:
        name = waits_at.removeprefix(GATE)
        return waits_at if name == waits_at else f"{GATE}{self.gate(name)}"

    def group(self, group: ErrorGroup) -> ErrorGroup:
        """Return a group as it is shown."""
        if self.redact is None or group.text == FURTHER:
            return group
        if self.redact is not hide:
            return replace(group, text=self._text(group.text))
        if group.status == "cancelled" or _SAFE.fullmatch(group.text):
            return group
        kind, colon, _ = group.text.partition(": ")
        return replace(group, text=f"{kind}: {HIDDEN}" if colon else HIDDEN)

    def worker(self, worker: WorkerInfo) -> WorkerInfo:
        """Return a worker as it is shown."""
        if self.redact is None:
            return worker
        return replace(worker, jobs=tuple(map(self._job, worker.jobs)))

    def _arguments(self, slot: SlotInfo) -> tuple[Sequence[Any], dict[str, Any]]:
        assert self.redact is not None
        if self.redact is hide:  # nor how many they are, and their names
            return ([HIDDEN] if slot.args or slot.kwargs else []), {}
        args = [redacted(self.redact, f"args.{i}", each) for i, each in enumerate(slot.args)]
        kwargs = slot.kwargs.items()
        return args, {name: redacted(self.redact, f"args.{name}", each) for name, each in kwargs}

    def _outcome(self, outcome: AnyOutcome | None, signature: str) -> AnyOutcome | None:
        assert self.redact is not None
        if outcome is None:
            return None
        shown: dict[str, Any] = {"history": tuple(map(self._attempt, outcome.history))}
        match outcome:
            case Succeeded(value):
                shown["value"] = redacted(self.redact, "value", value)
            case Failed(error):
                shown |= {"error": self._error(error), "signature": signature}
            case Cancelled():  # who did it is told: it is no text of a job's
                shown["signature"] = signature
            case _:
                shown["signature"] = signature
        return outcome.model_copy(update=shown)

    def _attempt(self, info: AttemptInfo) -> AttemptInfo:
        return info.model_copy(update={"error": self._error(info.error)})

    def _error(self, error: ErrorInfo | None, depth: int = 0) -> ErrorInfo | None:
        """Return an error without what only says its texts again; None where it is too deep."""
        if error is None or depth > _MAX_DEPTH:
            return None
        shown: dict[str, Any] = {
            "message": self._text(error.message),
            "traceback": "" if self.redact is hide else self._text(error.traceback),
            "notes": tuple(map(self._text, error.notes)),
            "args": None,
            "attributes": {},
            "cause": self._error(error.cause, depth + 1),
            "context": self._error(error.context, depth + 1),
            "members": tuple(filter(None, (self._error(e, depth + 1) for e in error.members))),
        }
        return error.model_copy(update=shown)

    def _text(self, text: str) -> str:
        assert self.redact is not None
        return str(redacted(self.redact, "error", text)) if text else ""

    def _job(self, job: RunningJob) -> RunningJob:
        if job.progress is None or not job.progress.note:
            return job
        assert self.redact is not None
        note = str(redacted(self.redact, "progress", job.progress.note))
        return replace(job, progress=replace(job.progress, note=note))


#: Hides nothing, and all that can be hidden.
NOTHING: Redaction = Redaction()
EVERYTHING: Redaction = Redaction(hide)
