"""Where a batch comes from: what is kept with it for people, and decides nothing."""

import os
import socket
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, fields, replace
from typing import Self

from .current_job import running_job
from .validation import check_label
from .values import codec

#: Most names of jobs that are counted one by one.
_MOST_NAMES = 8


@dataclass(frozen=True, slots=True)
class BatchOrigin:
    """Who submitted a batch, and how; empty for what is not known."""

    #: The verb: submit, gather, task_group, map or submit_one.
    kind: str = ""
    label: str = ""
    #: How many jobs there are of each name, as JSON; those of rare names under "".
    names: str = ""
    #: Host and process id of its producer.
    by: str = ""
    #: Id of the job that submitted it.
    parent: str = ""
    #: Its trace context, as `telemetry.trace_field` writes it: the worker continues that trace.
    trace: str = ""

    @classmethod
    def here(cls, kind: str, label: str | None = None, *, shared: bool = False) -> Self:
        """Return the origin of what the calling code submits; raises InvalidCall for the label.

        `shared`: several jobs may submit it together, so that it has no parent.
        """
        job = None if shared else running_job()
        return cls(kind, check_label(label) or "", by=_process(), parent=job.job_id if job else "")

    def of(self, names: Iterable[str]) -> Self:
        """Return the origin of a batch of jobs with these names."""
        counted = Counter(names).most_common()
        found = dict(counted[:_MOST_NAMES])
        if others := sum(n for _, n in counted[_MOST_NAMES:]):
            found[""] = others
        return replace(self, names=codec.encode(found).decode())

    def encoded(self) -> dict[str, str]:
        """Return what is known, as submit.lua takes it."""
        known = {field.name: getattr(self, field.name) for field in fields(self)}
        return {name: value for name, value in known.items() if value}


def _process() -> str:
    host = socket.gethostname().encode("utf-8", "replace").decode()
    return f"{host[:100]}.{os.getpid()}"
