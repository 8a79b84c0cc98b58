"""Whether nobody is there to run what waits: decided, and said; both purely."""

import shlex
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from gatherq.contract.checks.near_match import did_you_mean
from gatherq.contract.keys import DEFAULT_QUEUE
from gatherq.escape import escape
from gatherq.store.worker_presence import Presence

#: Most names and queues that a message lists, and most characters of the names that workers know.
_LISTED, _TEXT = 5, 300


class Waiting(NamedTuple):
    """What somebody waits for: the jobs of one batch that are not known to have ended."""

    batch: str
    #: How many there are.
    jobs: int
    #: Their names, and how many jobs of each; of a batch that was attached by its id, of a few.
    names: Mapping[str, int]
    #: Whether the names are those of a few jobs only.
    sampled: bool = False


@dataclass(frozen=True)
class Absence:
    """No worker is on a queue; or, with `names`, none that knows these."""

    names: frozenset[str] = frozenset()

    def news(self, said: "Absence | None") -> "Absence | None":
        """Return what was not said before; None where all of it was."""
        if not self.names:
            return None if said == self else self
        new = self.names - (said.names if said else set())
        return Absence(new) if new else None

    def over(self, presence: Presence) -> "Absence | None":
        """Return the part of it for which somebody is there now; None where nobody is."""
        if not self.names:
            return self if presence.workers else None
        known = self.names & presence.known
        return Absence(known) if known else None


def absence(presence: Presence, names: Iterable[str]) -> Absence | None:
    """Decide who is missing for jobs of these names; None where somebody may run each of them."""
    if not presence.workers:
        return Absence()
    unknown = frozenset(names) - presence.known
    return Absence(unknown) if unknown and presence.tells_all else None


def missing(
    found: Absence, presence: Presence, queue: str, where: str, of: Sequence[Waiting]
) -> str:
    """Say in one line what waits, why, and what to do; `where` is the server."""
    place = f"queue {queue!r} of {where}"
    if not found.names:
        who = "gatherq worker" if presence.arq else "worker"
        return f"no {who} is on {place}, so {_waits(of)}: {_advice(presence, queue)}"
    known = sorted(presence.known)
    names = _listed([_near(name, known) for name in sorted(found.names)])
    count = len(presence.workers)
    run = f"{count} worker{'s run' if count > 1 else ' runs'}: {', '.join(known)[:_TEXT]}"
    return f"no worker on {place} knows {names}, so {_waits(of, found.names)}; {escape(run)}"


def present(found: Absence, queue: str, where: str) -> str:
    """Say that an absence is over."""
    if found.names:
        names = _listed([repr(name) for name in sorted(found.names)])
        return f"a worker on queue {queue!r} of {where} knows {names} now"
    return f"a worker is on queue {queue!r} of {where} now"


def _advice(presence: Presence, queue: str) -> str:
    option = "" if queue == DEFAULT_QUEUE else f" --queue {shlex.quote(queue)}"
    start = f'start one with "gatherq worker MODULE{escape(option)}"'
    if presence.arq:
        return (
            f"{start}; {escape(queue)}:health-check says that an arq worker is or was there, which "
            "cannot complete batches: docs/from-arq.md"
        )
    if presence.elsewhere is None:
        return start
    if not presence.elsewhere:
        return (
            f"{start}; no queue of this database has a worker: is yours on another server or "
            "database?"
        )
    others = [
        escape(name) if count is None else f"{escape(name)} ({count})"
        for name, count in sorted(presence.elsewhere.items())
    ]
    return f"{start}; queues with workers: {_listed(others)}"


def _waits(of: Sequence[Waiting], names: frozenset[str] | None = None) -> str:
    """Say how many jobs wait, where that is known, and of which batches."""
    jobs = sum(_count(each, names) for each in of)
    what = "jobs" if not jobs or (names and any(each.sampled for each in of)) else f"{jobs} jobs"
    batches = f"batch {of[0].batch}" if len(of) == 1 else f"{len(of)} batches"
    return f"1 job of {batches} waits" if what == "1 jobs" else f"{what} of {batches} wait"


def _count(waiting: Waiting, names: frozenset[str] | None) -> int:
    if names is None:
        return waiting.jobs
    return sum(count for name, count in waiting.names.items() if name in names)


def _near(name: str, known: Sequence[str]) -> str:
    near = did_you_mean(name, known)
    return f"{name!r} ({near})" if near else repr(name)


def _listed(texts: Sequence[str]) -> str:
    more = len(texts) - _LISTED
    return ", ".join(texts[:_LISTED]) + (f" and {more} more" if more > 0 else "")
