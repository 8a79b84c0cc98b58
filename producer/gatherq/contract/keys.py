"""Every Redis key, as a function. `docs/keys.md` says the same for people.

The `arq:` keys are arq's own (arq/constants.py); the `gatherq:` keys are added beside them.
"""

import json

QUEUE = "arq:queue"
JOB = "arq:job:"
IN_PROGRESS = "arq:in-progress:"
RETRY = "arq:retry:"
RESULT = "arq:result:"
ABORT = "arq:abort"
BATCH = "gatherq:batch:"
DONE = "gatherq:done:"
ATTEMPTS = "gatherq:attempts:"
DIGESTS = "gatherq:digests:"

#: The prefixes by name, for the Lua steps that need most of them.
PREFIXES = json.dumps(
    {
        "job": JOB,
        "in_progress": IN_PROGRESS,
        "retry": RETRY,
        "result": RESULT,
        "batch": BATCH,
        "done": DONE,
        "attempts": ATTEMPTS,
        "digests": DIGESTS,
    }
)


def job_id(batch_id: str, slot: int) -> str:
    """Name a job of a batch."""
    return f"{batch_id}:{slot}"


def job(id_: str) -> str:
    """Call as JSON. String; written by submit, read by claim; TTL: the batch's."""
    return JOB + id_


def in_progress(id_: str) -> str:
    """Token, `<worker>:<attempt>:<claim>`. String; claim, renew, finish; TTL: the lease."""
    return IN_PROGRESS + id_


def retry(id_: str) -> str:
    """Count of attempts so far. String; written by claim, read by renew and finish; TTL: a day."""
    return RETRY + id_


def result(id_: str) -> str:
    """Outcome as JSON. String; written by finish, read by producers; TTL: the batch's."""
    return RESULT + id_


def batch(batch_id: str) -> str:
    """Size, times and counts of a batch. Hash; submit, claim, finish; TTL: the batch's."""
    return BATCH + batch_id


def done(batch_id: str) -> str:
    """Slots in the order they completed. Stream; finish, read by collectors; TTL: the batch's."""
    return DONE + batch_id


def attempts(id_: str) -> str:
    """Name the list of earlier attempts, as JSON. List; release, claim, redrive; TTL: a day."""
    return ATTEMPTS + id_


def digests(batch_id: str) -> str:
    """Digests of a named batch's jobs, 8 bytes a slot. String; by submit; TTL: the batch's."""
    return DIGESTS + batch_id


def wake(queue: str) -> str:
    """One element when there may be work. List; submit, claim, release; popped by idle workers."""
    return f"gatherq:wake:{queue}"


def workers(queue: str) -> str:
    """Worker ids by last sign of life, ms. Sorted set; written by renew; TTL: a day."""
    return f"gatherq:workers:{queue}"


def tick(queue: str, run: str) -> str:
    """Mark that a run of a cron job was queued. String; written by tick; TTL: an hour."""
    return f"gatherq:tick:{queue}:{run}"


def quarantine(queue: str) -> str:
    """Queue members that cannot be jobs. List, newest 100; written by claim; TTL: a day."""
    return f"gatherq:quarantine:{queue}"


def cancel(queue: str) -> str:
    """Map running jobs to who wants them cancelled. Hash; cancel, claim, renew; TTL: a day."""
    return f"gatherq:cancel:{queue}"


def control(queue: str, database: int = 0) -> str:
    """Tell workers of cancellations. Channel, no key; published by cancel, heard by workers.

    Channels know no databases, so its name has that of any other than 0.
    """
    return f"gatherq:control:{queue}@{database}" if database else f"gatherq:control:{queue}"


def nudge(name: str) -> str:
    """Wakes a producer's watcher to a new batch. Stream of one; producer's own; TTL: a minute."""
    return f"gatherq:nudge:{name}"
