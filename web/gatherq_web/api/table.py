"""All operations: the routes are made of this table, and the document."""

from collections.abc import Iterable

from gatherq.inspection.filters import BATCH_FIELDS, EVENT_FIELDS, SLOT_FIELDS

from . import acts, batches, pool
from .operation import Operation
from .parameters import DURATION, FILTERS, FLAG, TEXT, Parameter, whole

_MOST_SLOTS = 10**8


def _filters(of: str, keys: Iterable[str]) -> Parameter:
    names = ", ".join(f"{name}PATH" if name.endswith(".") else name for name in keys)
    return Parameter("q", FILTERS, f"Filters on {of}, `[-]KEY:VALUE`, by blanks. Keys: {names}")


def _limit(usual: int, most: int) -> Parameter:
    return Parameter("limit", whole(1, most), "Most that are returned", usual)


_QUEUE = Parameter("queue", TEXT, "Queue, where it is not the usual one")
_BATCH = Parameter(
    "batch", TEXT, "Id of a batch, the beginning of one, or @: the newest, @2: the next", "", "path"
)
_WHOLE = Parameter("batch", TEXT, "Id of a batch", "", "path")
_SLOT = Parameter("slot", whole(0, _MOST_SLOTS), "Number of a slot", 0, "path")
_SLOTS = Parameter("slots", TEXT, "Slots: 7, 0-99 or 1,5,9-12; all without it")
_FROM = Parameter("from", whole(0, _MOST_SLOTS), "First slot", 0)
_OF_SLOTS = _filters("slots", SLOT_FIELDS)
_SINCE = Parameter("since", DURATION, "Those of the last so long alone")
_BEFORE = Parameter("before", TEXT, "Id of an event, to go on with what came earlier")
_DRY_RUN = Parameter("dry_run", FLAG, "Say what would be done, and do nothing", False)
_FOR = Parameter("for", DURATION, "How long: from its end, or from now if it has ended")

OPERATIONS: list[Operation] = [
    Operation(
        path="/batches",
        name="listBatches",
        about="The batches of a queue, the newest first.",
        answers="Batch",
        listed="batches",
        call=batches.batches,
        parameters=[_filters("batches", BATCH_FIELDS), _limit(50, 1000), _SINCE, _QUEUE],
    ),
    Operation(
        path="/batches/{batch}",
        name="getBatch",
        about="A batch.",
        answers="Batch",
        call=batches.batch,
        parameters=[_BATCH, _QUEUE],
    ),
    Operation(
        path="/batches/{batch}/slots",
        name="listSlots",
        about="The slots of a batch in order, with arguments and outcomes. As lines: all of them.",
        answers="Slot",
        listed="slots",
        goes_on=_FROM,
        call=batches.slots,
        lines=batches.slot_lines,
        parameters=[_BATCH, _OF_SLOTS, _SLOTS, _FROM, _limit(100, 1000), _QUEUE],
    ),
    Operation(
        path="/batches/{batch}/errors",
        name="listErrors",
        about="What did not succeed, in groups, the largest first.",
        answers="ErrorGroup",
        listed="errors",
        call=batches.errors,
        parameters=[_BATCH, _OF_SLOTS, _SLOTS, _QUEUE],
    ),
    Operation(
        path="/batches/{batch}/changes",
        name="listChanges",
        about="The error groups with what the last redrive changed.",
        answers="ErrorChange",
        listed="changes",
        call=batches.changes,
        parameters=[_BATCH, _QUEUE],
    ),
    Operation(
        path="/batches/{batch}/explain",
        name="explainBatch",
        about="Why it is not finished, and what helps.",
        answers="Explanation",
        call=batches.explanation,
        parameters=[_BATCH, _SLOTS, _QUEUE],
    ),
    Operation(
        path="/batches/{batch}/running",
        name="listRunning",
        about="What runs of a batch, the longest first.",
        answers="Running",
        listed="running",
        call=batches.running,
        parameters=[_BATCH, _QUEUE],
    ),
    Operation(
        path="/batches/{batch}/slots/{slot}",
        name="getSlot",
        about="A slot with its phases.",
        answers="SlotWithPhases",
        call=batches.slot,
        parameters=[_BATCH, _SLOT, _QUEUE],
    ),
    Operation(
        method="POST",
        path="/batches/{batch}/cancel",
        name="cancelBatch",
        about="End what has not ended.",
        answers="Done",
        act="cancel",
        call=acts.cancel,
        parameters=[_WHOLE, _OF_SLOTS, _SLOTS, _DRY_RUN, _QUEUE],
    ),
    Operation(
        method="POST",
        path="/batches/{batch}/redrive",
        name="redriveBatch",
        about="Run again, in place, what did not succeed.",
        answers="Done",
        act="redrive",
        call=acts.redrive,
        parameters=[_WHOLE, _OF_SLOTS, _SLOTS, _DRY_RUN, _QUEUE],
    ),
    Operation(
        method="POST",
        path="/batches/{batch}/keep",
        name="keepBatch",
        about="Let it stay in Redis for another time.",
        answers="Done",
        act="keep",
        call=acts.keep,
        parameters=[_WHOLE, _FOR, _DRY_RUN, _QUEUE],
    ),
    Operation(
        method="DELETE",
        path="/batches/{batch}",
        name="removeBatch",
        about="Remove it with all that Redis has of it; what runs is cancelled.",
        answers="Done",
        act="remove",
        call=acts.remove,
        parameters=[_WHOLE, _DRY_RUN, _QUEUE],
    ),
    Operation(
        path="/workers",
        name="listWorkers",
        about="The workers of a queue, with what each runs.",
        answers="Worker",
        listed="workers",
        call=pool.workers,
        parameters=[_QUEUE],
    ),
    Operation(
        path="/workers/{worker}",
        name="getWorker",
        about="A worker.",
        answers="Worker",
        call=pool.worker,
        parameters=[
            Parameter("worker", TEXT, "Its name, or the beginning of it", "", "path"),
            _QUEUE,
        ],
    ),
    Operation(
        path="/jobs",
        name="listJobs",
        about="The jobs that workers know, with counts and times.",
        answers="Job",
        listed="jobs",
        call=pool.jobs,
        parameters=[_QUEUE],
    ),
    Operation(
        path="/jobs/{job}",
        name="getJob",
        about="The jobs of one name.",
        answers="Job",
        call=pool.job,
        parameters=[Parameter("job", TEXT, "The name", "", "path"), _QUEUE],
    ),
    Operation(
        path="/queues",
        name="listQueues",
        about="Every queue of the server. Looks at the names of all keys.",
        answers="Queue",
        listed="queues",
        call=pool.queues,
    ),
    Operation(
        path="/queues/{queue}",
        name="getQueue",
        about="A queue.",
        answers="Queue",
        call=pool.queue,
        parameters=[Parameter("queue", TEXT, "Its name", "", "path")],
    ),
    Operation(
        path="/queues/{queue}/gates",
        name="listGates",
        about="The gates of a queue: limits that jobs share, who is inside, and how many wait.",
        answers="Gate",
        listed="gates",
        call=pool.gates,
        parameters=[Parameter("queue", TEXT, "Its name", "", "path")],
    ),
    Operation(
        path="/queues/{queue}/demand",
        name="getDemand",
        about="How many jobs need workers now: the number to scale by; 0 if it was never used.",
        answers="Demand",
        call=pool.demand,
        parameters=[Parameter("queue", TEXT, "Its name", "", "path")],
    ),
    Operation(
        path="/statistics",
        name="listStatistics",
        about="What ended in each minute; of more than two hours, in each hour.",
        answers="Period",
        listed="periods",
        call=pool.statistics,
        parameters=[Parameter("since", DURATION, "Of the last so long", 3600.0), _QUEUE],
    ),
    Operation(
        path="/events",
        name="listEvents",
        about="What happened on a queue, the newest first.",
        answers="Event",
        listed="events",
        goes_on=_BEFORE,
        call=pool.events,
        parameters=[_filters("events", EVENT_FIELDS), _limit(100, 1000), _BEFORE, _QUEUE],
    ),
    Operation(
        path="/check",
        name="check",
        about="What is well and what is wrong with the server, the queue and its workers.",
        answers="Finding",
        listed="findings",
        call=pool.check,
        parameters=[
            Parameter("scan", FLAG, "Look at all keys, for those that never expire", False),
            _QUEUE,
        ],
    ),
]
