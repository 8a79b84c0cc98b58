"""Every Redis key and channel. `docs/keys.md` says the same for people.

The `arq:` keys are arq's own (arq/constants.py); the `gatherq:` keys are added beside them.
"""

from functools import cached_property

#: Name, and key, of arq's own queue.
DEFAULT_QUEUE = "arq:queue"

#: Prefixes of keys that go on with the name of the queue, by name.
PARKING: dict[str, str] = {
    name: f"gatherq:{name.replace('_', '-')}:"
    for name in ("gate", "holders", "waiting", "gates", "lane", "lanes", "lane_wake", "lane_served")
}


def job_id(batch_id: str, slot: int) -> str:
    """Return the id of a slot's job."""
    return f"{batch_id}:{slot}"


class KeySpace:
    """Makes every key of one queue in one database.

    Each docstring gives the key's type, the steps that write it, who reads it, and its TTL, as far
    as a line holds; docs/keys.md has them all.
    Properties are keys of the queue, or of all queues; methods are keys of one job, batch, cron
    run, worker or producer.
    """

    def __init__(self, queue: str = DEFAULT_QUEUE, database: int = 0) -> None:
        #: Job ids by when they may be claimed (ms). Sorted set; written by all steps; no TTL.
        self.queue = queue
        self.database = database

    def job(self, id_: str) -> str:
        """Call as JSON. String; submit, redrive; read by what runs or ends it; TTL: the batch's."""
        return f"arq:job:{id_}"

    def in_progress(self, id_: str) -> str:
        """Token of a claim. String; claim_jobs, renew_claims, record_outcomes; TTL: the lease."""
        return f"arq:in-progress:{id_}"

    def retry(self, id_: str) -> str:
        """Count of attempts. String; claim_, renew_ and release_claims, redrive; TTL: a day."""
        return f"arq:retry:{id_}"

    def result(self, id_: str) -> str:
        """Outcome as JSON. String; whatever ends a job, read by producers; TTL: the batch's."""
        return f"arq:result:{id_}"

    def batch(self, batch_id: str) -> str:
        """Size, options, times and counts of a batch. Hash; all steps; TTL: the batch's."""
        return f"gatherq:batch:{batch_id}"

    def done(self, batch_id: str) -> str:
        """Completions in order. Stream; whatever ends a job or redrives it; TTL: the batch's."""
        return f"gatherq:done:{batch_id}"

    def attempts(self, id_: str) -> str:
        """Earlier attempts, as JSON. List; release_claims, claim_jobs, redrive; TTL: a day."""
        return f"gatherq:attempts:{id_}"

    def errors(self, batch_id: str) -> str:
        """Count unsuccessful outcomes by group. Hash; what ends or redrives; TTL: the batch's."""
        return f"gatherq:errors:{batch_id}"

    def digests(self, batch_id: str) -> str:
        """Digests of a named batch's jobs, 8 bytes a slot. String; submit; TTL: the batch's."""
        return f"gatherq:digests:{batch_id}"

    def again(self, batch_id: str) -> str:
        """Slots that are admitted first. Sorted set; redrive, submit; by admission; TTL: as its."""
        return f"gatherq:again:{batch_id}"

    def gate(self, gate: str) -> str:
        """Limits of a gate, and whose turn it is. Hash; park_claims, what ends jobs; TTL: 30 d."""
        return f"gatherq:gate:{self.queue}:{gate}"

    def holders(self, gate: str) -> str:
        """Jobs inside of a gate, by when they came (ms). Sorted set; as gate; TTL: 30 d."""
        return f"gatherq:holders:{self.queue}:{gate}"

    def waiting(self, gate: str) -> str:
        """Jobs parked at a gate, by their score. Sorted set; as gate; TTL: 30 d."""
        return f"gatherq:waiting:{self.queue}:{gate}"

    def lane(self, lane: str) -> str:
        """Jobs parked for want of a place. Sorted set; park_claims, by claim_jobs; TTL: 30 d."""
        return f"gatherq:lane:{self.queue}:{lane}"

    def lane_wake(self, lane: str) -> str:
        """One element when a lane has jobs. List; park_claims, popped by who has a place."""
        return f"gatherq:lane-wake:{self.queue}:{lane}"

    def lane_served(self, lane: str) -> str:
        """Mark that a worker takes jobs from a lane. String; tend_lanes; TTL: 10 s."""
        return f"gatherq:lane-served:{self.queue}:{lane}"

    def place_free(self, worker: str) -> str:
        """One element when a place is free. List; by a worker for itself; TTL: a minute."""
        return f"gatherq:place-free:{worker}"

    def tick(self, run: str) -> str:
        """Mark of a cron run that was queued. String; enqueue_cron_run; TTL: an hour."""
        return f"gatherq:tick:{self.queue}:{run}"

    def nudge(self, watcher: str) -> str:
        """Wake a completion watcher. Stream of one; by its producer, read by it; TTL: a minute."""
        return f"gatherq:nudge:{watcher}"

    def worker(self, worker: str) -> str:
        """Record of a worker process. Hash; announce_worker, renew_claims; TTL: a minute."""
        return f"gatherq:worker:{worker}"

    def statistics(self, span: str) -> str:
        """Statistics of a minute, or of h and an hour. Hash; as totals; TTL: 25 h, hours 30 d."""
        return f"gatherq:stats:{self.queue}:{span}"

    @cached_property
    def queues(self) -> str:
        """Queues by last sign of a worker (ms). Sorted set; announce_worker; TTL: a minute."""
        return "gatherq:queues"

    @cached_property
    def abort(self) -> str:
        """Jobs that arq's `Job.abort` names. Sorted set; arq, record_outcomes; TTL: none."""
        return "arq:abort"

    @cached_property
    def wake(self) -> str:
        """One element when there may be work. List; all that queue jobs, popped by idle workers."""
        return f"gatherq:wake:{self.queue}"

    @cached_property
    def workers(self) -> str:
        """Workers by last sign of life (ms). Sorted set; renew_claims; by health; TTL: a day."""
        return f"gatherq:workers:{self.queue}"

    @cached_property
    def quarantine(self) -> str:
        """Queue members that cannot be jobs, the newest 100. List; claim_jobs; TTL: a day."""
        return f"gatherq:quarantine:{self.queue}"

    @cached_property
    def cancel_marks(self) -> str:
        """Running jobs by who wants them cancelled. Hash; cancel, read by job steps; TTL: a day."""
        return f"gatherq:cancel:{self.queue}"

    @cached_property
    def gates(self) -> str:
        """Gates of the jobs that are inside of one, or wait at it. Hash; as gate; TTL: 30 d."""
        return f"gatherq:gates:{self.queue}"

    @cached_property
    def lanes(self) -> str:
        """Names of the lanes that were used. Set; park_claims, by mend; TTL: 30 d."""
        return f"gatherq:lanes:{self.queue}"

    @cached_property
    def batch_index(self) -> str:
        """Batches by when they were submitted (ms). Sorted set; submit, delete; TTL: a week."""
        return f"gatherq:batches:{self.queue}"

    @cached_property
    def events(self) -> str:
        """Events of batches and workers, the newest 10,000. Stream; the steps; TTL: a week."""
        return f"gatherq:events:{self.queue}"

    @cached_property
    def totals(self) -> str:
        """Statistics of all time, by job. Hash; renew_claims, what ends queued jobs; TTL: 30 d."""
        return f"gatherq:totals:{self.queue}"

    @cached_property
    def channel(self) -> str:
        """Cancellations, for workers. Channel, no key; whatever cancels jobs or batches publishes.

        Channels know no databases, so its name has the number of any other database than 0.
        """
        name = f"gatherq:control:{self.queue}"
        return f"{name}@{self.database}" if self.database else name

    @cached_property
    def prefixes(self) -> dict[str, str]:
        """Prefixes of keys of jobs, batches and gates, by name: the Lua steps make these keys."""
        of_jobs = [self.job, self.in_progress, self.retry, self.result, self.attempts]
        made = [*of_jobs, self.batch, self.done, self.errors, self.digests, self.again]
        return {key.__name__: key("") for key in made} | PARKING

    @cached_property
    def queue_wide(self) -> dict[str, str]:
        """What each step takes under the same name whatever it is called for."""
        names = ("queue", "wake", "workers", "queues", "quarantine", "cancel_marks", "abort")
        record = ("batch_index", "events", "totals")
        made = {name: getattr(self, name) for name in (*names, *record, "channel")}
        return {**made, "statistics": self.statistics("")}
