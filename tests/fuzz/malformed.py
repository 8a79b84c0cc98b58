"""One malformed value in one of the keys that workers, producers and people read."""

from dataclasses import dataclass
from time import time

from redis.exceptions import ResponseError

from . import junk
from .world import FIELDS, OF_ERRORS

TYPES = ["none", "string", "list", "hash", "set", "zset", "stream"]
#: Fields of the record of a worker, and of a gate.
OF_WORKERS = ["host", "pid", "version", "python", "queue", "started", "lease", "places", "handlers"]
OF_WORKERS += ["handlers_cut", "seen", "state", "blocked_by", "running", "held", "done", "refused"]
OF_WORKERS += ["unrecorded", "lag_ms", "rss", "abandoned", "redis_errors", "jobs", "seq"]
OF_GATES = ["most", "interval", "turn", "called"]
OF_BATCHES = [*FIELDS, "queue", "trace", "gradual", "max_at_once", "interval", "priority", "starts"]
OF_BATCHES += ["admitted", "beyond", "again", "turn", "called", "pace", "passed", "ahead", "parked"]
OF_BATCHES += ["last_parked", "child"]


@dataclass
class Malformed:
    """What is done to which key, and with what."""

    how: str
    key: str
    what: object
    value: object = None

    @classmethod
    def draw(cls, r, live, bad, size):
        """Draw one that is about the batch `bad`, or about what all share but the queue."""
        keys, worker = live.keys, live.worker.worker_id
        id_ = f"{bad}:{r.randrange(size)}"
        minute = keys.statistics(str(int(time() / 60)))
        hour = keys.statistics(f"h{int(time() / 3600)}")
        hashes = {
            keys.batch(bad): OF_BATCHES,
            keys.errors(bad): OF_ERRORS,
            keys.worker(worker): OF_WORKERS,
            keys.gate("gated"): OF_GATES,
            keys.totals: ["short", "long", "<unknown>"],
            minute: ["short", "long", "<unknown>"],
            hour: ["short", "again", "<unknown>"],
            keys.gates: [id_],
            keys.cancel_marks: [id_],
        }
        sets = [keys.again(bad), keys.holders("gated"), keys.waiting("gated"), keys.lane("thread")]
        sets += [keys.lane("job-threaded"), keys.workers, keys.queues, keys.abort, keys.batch_index]
        lists = [keys.attempts(id_), keys.wake, keys.quarantine, keys.lane_wake("job-threaded")]
        lists += [keys.place_free(worker)]
        strings = [keys.job(id_), keys.in_progress(id_), keys.retry(id_), keys.result(id_)]
        strings += [keys.digests(bad), keys.lane_served("thread"), f"{keys.queue}:health-check"]
        streams = [keys.done(bad), keys.events]
        others = [keys.lanes, live.nudge]
        match r.choice(["key", "key", "field", "field", "member", "item", "text", "entry", "say"]):
            case "key":
                key = r.choice([*hashes, *sets, *lists, *strings, *streams, *others])
                return cls("key", key, *drawn(r))
            case "field":
                key = r.choice([*hashes])
                return cls("field", key, r.choice(hashes[key]), text(r))
            case "member":
                return cls("member", r.choice([keys.queue, *sets]), name(r, id_), score(r))
            case "item":
                return cls("item", r.choice(lists), text(r))
            case "text":
                return cls("text", r.choice(strings), text(r))
            case "entry":
                pair = {name(r, id_.rpartition(":")[2]): text(r)}
                return cls(
                    "entry", r.choice(streams), r.choice(["*", "18446744073709551614-1"]), pair
                )
            case _:
                return cls("say", keys.channel, said(r, bad))

    async def put(self, redis):
        """Put it there, unless its key has another type by now."""
        try:
            await self._put(redis)
        except ResponseError:
            pass

    async def _put(self, redis):
        key, what, value = self.key, self.what, self.value
        match self.how:
            case "key":
                await junk.put(redis, key, what, value)
            case "field":
                await redis.hset(key, what, value)
            case "member":
                await redis.zadd(key, {what: value})
            case "item":
                await redis.rpush(key, what)
            case "text":
                await redis.set(key, what, keepttl=True)
            case "entry":
                await redis.xadd(key, value, id=what)
            case "say":
                await redis.publish(key, what)

    def __repr__(self):
        return f"{self.how} {self.key} {_short(self.what)} {_short(self.value)}"


def _short(value):
    said = repr(value)
    return said if len(said) < 300 else f"{said[:300]}... ({len(said)})"


def text(r):
    """Draw a text that is nearly right, or nearly anything."""
    return r.choice([r.choice(junk.TEXTS), r.choice(junk.NUMBERS), r.randbytes(r.randrange(40))])


def name(r, right):
    """Draw the name of a member; sometimes it is right."""
    return r.choice([right.encode(), r.choice(junk.IDS), r.randbytes(r.randrange(12))])


def score(r):
    return r.choice([*junk.SCORES, r.uniform(-1e15, 1e15), time() * 1000])


def said(r, bad):
    """Draw a message on the channel."""
    messages = [b'{"batch":"%s","by":"x"}' % bad.encode(), b'{"jobs":["%s:0"]}' % bad.encode()]
    messages += [b'{"jobs":[3,null,"\\ud800"]}', b'{"batch":[],"jobs":{}}', b'"' * 300_000]
    return r.choice([r.choice(messages), text(r)])


def drawn(r):
    """Draw what a key holds, of any type."""
    kind = r.choice(TYPES)
    n = r.randrange(1, 4)
    match kind:
        case "none":
            return kind, None
        case "string":
            return kind, text(r)
        case "list" | "set":
            return kind, [text(r) for _ in range(n)]
        case "zset":
            return kind, {name(r, "bad:0"): score(r) for _ in range(n)}
        case _:
            return kind, {name(r, "x"): text(r) for _ in range(n)}
