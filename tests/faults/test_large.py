"""One very large batch: memory of each side, the longest step, and what a wait costs."""

import asyncio
import os
import shutil
from collections import Counter
from pathlib import Path

from gatherq import call

from .harness.rows import row

JOBS = 100_000
#: MiB by which a producer, and a worker, may grow. To keep all outcomes takes a producer 150.
PRODUCER, WORKER = 80, 20
#: Seconds for which nothing happens, and the commands and bytes that this may cost.
STILL, COMMANDS, BYTES = 3.0, 100, 20_000
#: Microseconds that a step may take; and which share of them may take more, since a virtual machine
#: may be held up as a whole, but none so much more.
LONGEST, HELD_UP, NEVER = 5_000, 0.01, 25_000
#: The server goes before all others on this machine, so that its clock tells what it does.
FIRST = {"before": "chrt -f 10"} if os.geteuid() == 0 and shutil.which("chrt") else {}


def memory(pid: int | str, what: str) -> float:
    """Return VmRSS, or the highest it has been (VmHWM), in MiB."""
    lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith(what)) / 1024


async def asked(pool):
    """Return how many commands the server has had, and how many bytes it has sent."""
    stats = await pool.redis.info("stats")
    return stats["total_commands_processed"], stats["total_net_output_bytes"]


async def collect(batch, order):
    """Go through all outcomes, keep none; count them by status, and note what is not in order."""
    statuses = Counter()
    async for outcome in batch:
        if outcome.slot != sum(statuses.values()) or outcome.unwrap() != outcome.slot:
            order.append(outcome.slot)
        statuses[outcome.status] += 1
    return statuses


async def stands_still(pool):
    """Hold what a producer asks that waits for a batch to a bound."""
    await asyncio.sleep(STILL)  # until it has looked for what may be lost
    before = await asked(pool)
    await asyncio.sleep(STILL)
    commands, sent = (b - a for a, b in zip(before, await asked(pool), strict=True))
    pool.seen.append(f"{commands} commands and {sent:,} bytes in {STILL:.0f} s of waiting")
    pool.must(commands <= COMMANDS and sent <= BYTES, "a wait costs more than a few commands")


async def steps_are_short(pool):
    """Hold the longest steps to their bound, by the server's clock."""
    stats = await pool.redis.info("commandstats")
    calls = sum(stats.get(f"cmdstat_{name}", {"calls": 0})["calls"] for name in ("eval", "evalsha"))
    log = await pool.redis.slowlog_get(10_000)
    slow = sorted(each["duration"] for each in log if each["command"].startswith(b"EVAL"))
    pool.seen.append(f"{len(slow)} of {calls:,} steps took more than {LONGEST / 1000:.0f} ms")
    if not FIRST:
        pool.seen.append("by a clock that others' work moves too: only root goes before them")
        return
    pool.must(len(slow) <= HELD_UP * calls, f"of {calls} steps some took {slow[-9:]} us")
    pool.must(not slow or slow[-1] <= NEVER, f"a step took {slow[-1:]} us")


@row("24", "100,000 jobs in one batch", arq="arq has no batches", server=FIRST)
async def test_a_hundred_thousand_jobs(pool):
    """They are submitted, waited for while no worker is there, run by two, collected in order."""
    await pool.redis.config_set("slowlog-log-slower-than", LONGEST)
    await pool.redis.config_set("slowlog-max-len", 10_000)
    Path("/proc/self/clear_refs").write_text("5")  # VmHWM begins anew
    before, order = memory("self", "VmRSS"), []
    batch = await pool.ours.producer().submit(call("give_back", n) for n in range(JOBS))
    async with asyncio.TaskGroup() as group:
        collecting = group.create_task(collect(batch, order))
        await stands_still(pool)
        pool.recorder.watch([f"{batch.id}:{slot}" for slot in range(0, JOBS, 100)])
        await pool.start(2)
        idle = [memory(worker.pid, "VmRSS") for worker in pool.workers]
    grown = memory("self", "VmHWM") - before
    workers = [
        memory(each.pid, "VmHWM") - rss for each, rss in zip(pool.workers, idle, strict=True)
    ]
    pool.seen.append(f"the producer grew by {grown:.0f} MiB, a worker by {max(workers):.0f}")
    pool.must(grown <= PRODUCER, f"the producer grew by {grown:.0f} MiB")
    pool.must(max(workers) <= WORKER, f"a worker grew by {max(workers):.0f} MiB")
    await steps_are_short(pool)
    pool.must(not order, f"I1: slots {order[:3]} are not in order, or have another's value")
    ended = dict(collecting.result())
    pool.must(ended == {"succeeded": JOBS}, f"they ended as {ended}")
    executions = pool.ledger.executions()
    often = [id_ for id_, count in executions.items() if count > 1]
    pool.must(not often, f"I3: {often[:3]} ran twice")
    pool.must(len(executions) == JOBS, f"{len(executions):,} of them ran")
