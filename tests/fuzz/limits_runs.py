"""Random runs of operations: the same for the same seed, and shortened where they fail."""

import asyncio
from random import Random

from gatherq.store.parking import Gate

from .limits_world import LANES, WORKERS, LimitsWorld, Terms

GATES = {"a": Gate("a", most=1), "b": Gate("b", most=3), "c": Gate("c", most=2)}
#: Gates where rates are tried too: whatever is claimed takes its time then.
RATED = {"a": Gate("a", most=1), "d": Gate("d", None, 10_000), "e": Gate("e", 2, 20_000)}
LOSSES = ["entry", "entry", "queue", "again", "token", "data"]
LOSSES += ["lane", "holders", "waiting", "gates", "gate", "lanes"]
#: Seconds after which a run hangs.
LONGEST = 60
LEVELS = [0, 0, 0, 0, 1, 5, -1, -9]
STATUSES = ["succeeded", "succeeded", "failed", "timed_out"]
#: How often each operation is drawn.
WEIGHTS = {
    "claim": 25,
    "park": 25,
    "record": 20,
    "release": 6,
    "lapse": 5,
    "renew": 2,
    "submit": 5,
    "cancel": 3,
    "sweep": 2,
    "mend": 4,
    "redrive": 4,
    "delete": 1,
    "resubmit": 2,
    "come_back": 2,
    "later": 2,
    "lose": 3,
}


def rated(r: Random) -> Terms:
    """Draw what a batch with a rate is submitted with."""
    rate = r.choice([20.0, 50.0, 100.0, 200.0])
    size = r.randint(1, min(60, round(1.5 * rate)))
    own = {r.randrange(size): (r.choice(LEVELS), None) for _ in range(r.choice([0, 0, 3]))}
    return Terms(
        size=size,
        max_at_once=r.choice([None, None, 1, 5]),
        max_per_second=rate,
        pace=f"p{rate:.0f}" if r.random() < 0.4 else "",
        priority=r.choice(LEVELS),
        delay=r.choice([0.0, 0.0, 0.0, 50.0]),
        tolerate=r.choice([None, None, None, 2]),
        deadline=r.choice([None, None, None, 100.0]),
        own=own,
        gate=r.choice(["", "", "a", "d", "e", "mixed"]),
        queue=r.choice([0, 0, 0, 1]),
        chunk=r.choice([400, 7]),
        calls=r.choice([99, 99, 1]),
    )


def terms(r: Random) -> Terms:
    """Draw what a batch is submitted with."""
    size = r.choice(
        [r.randint(1, 12), r.randint(1, 12), r.randint(1, 60), r.choice([200, 201, 450])]
    )
    large = size > 60
    most = r.choice([None, r.randint(30 if large else 1, 300 if large else 5)])
    own = {}
    for _ in range(r.choice([0, 0, 0, 3, 10])):
        delay = r.choice([None, 50.0]) if most is None else None
        level = r.choice([None, *LEVELS])
        if level is not None or delay is not None:
            own[r.randrange(size)] = (level, delay)
    return Terms(
        size=size,
        max_at_once=most,
        priority=r.choice(LEVELS),
        delay=r.choice([0.0, 0.0, 0.0, 50.0]),
        tolerate=r.choice([None, None, None, 0, 2]),
        deadline=r.choice([None, None, None, None, 100.0]),
        own=own,
        gate="" if large else r.choice(["", "", "a", "b", "c", "mixed"]),
        queue=r.choice([0, 0, 0, 1]),
        chunk=r.choice([400, 400, 100, 7]) if size < 100 else 200,
        calls=r.choice([99, 99, 99, 99, 1, 2]),
    )


def operation(r: Random, rates: bool) -> tuple:
    """Draw one operation."""
    name = r.choices(list(WEIGHTS), WEIGHTS.values())[0]
    n, worker, many = r.randrange(1000), r.randrange(len(WORKERS)), r.choice([1, 3, 10, 100])
    match name:
        case "claim":
            return name, worker, many, r.choice([0, 0, 1, 3, 50])
        case "park":
            return name, worker, r.choice([[], r.choices(["", "", *LANES], k=4)])
        case "record":
            return name, worker, n, many, r.choice(STATUSES)
        case "release":
            return name, worker, n, r.choice([1, 3]), r.random() < 0.5, r.choice([0.0, 50.0])
        case "lapse":
            return name, worker, n, many
        case "renew":
            return name, worker
        case "submit":
            return name, rated(r) if rates else terms(r)
        case "cancel":
            return name, n, r.choice([[], [r.randrange(1000) for _ in range(3)]])
        case "mend":
            return name, n, r.random() < 0.3
        case "later":
            return (name,)
        case "lose":
            return name, r.choice(LOSSES), n
        case _:
            return name, n


def operations(seed: int, rates: bool = False) -> list[tuple]:
    """Draw a run, of batches with a rate or of others."""
    r = Random(seed)
    first = ("submit", rated(r) if rates else terms(r))
    return [first, *(operation(r, rates) for _ in range(r.choice([5, 20, 60])))]


async def run(redis, operations):
    """Run operations; raises where a property does not hold."""
    await redis.flushdb()
    rates = any(words[0].max_per_second for name, *words in operations if name == "submit")
    world = LimitsWorld(redis, RATED if rates else GATES)
    for name, *words in operations:
        await getattr(world, name)(*words)
        await world.check()
    await world.drain()


async def shortened(redis, operations):
    """Return the shortest run found that fails too, and its error; None if none fails again."""
    error = await error_of(redis, operations)
    size = len(operations) // 2
    while size:
        at = 0
        while at < len(operations):
            fewer = operations[:at] + operations[at + size :]
            if found := await error_of(redis, fewer):
                operations, error = fewer, found
            else:
                at += size
        size //= 2
    return operations, error


async def error_of(redis, operations):
    """Return the error that a run ends with, or None."""
    try:
        async with asyncio.timeout(LONGEST):
            await run(redis, operations)
    except Exception as error:
        return error
    return None
