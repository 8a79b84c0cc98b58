"""Jobs that end whatever runs them."""

import re

import pytest

from .harness.rows import row

PLACES = ["thread", "process"]
#: Why a row means nothing to arq.
ALONE = "arq runs jobs in its loop alone"
POISONS = {"leave_at_once": (7,), "crash_in_c": (), "be_killed": ()}
HOW = {"leave_at_once": "exit code 7", "crash_in_c": "SIGSEGV", "be_killed": "SIGKILL"}


async def beside(pool, seconds=1.0):
    """Submit jobs for every place, and wait until they have begun, in both workers."""
    calls = [("nap", (seconds,))] * 8
    if pool.is_ours:
        calls += [(f"nap_here_in_{place}", (seconds,)) for place in ("thread", "process") * 2]
    return await pool.spread(calls)


async def unharmed(pool, others, attempts=None):
    """See that all the others succeed, after so many attempts."""
    for each in others:
        await pool.outcomes(each)
        pool.all_are(each, "succeeded")
        again = [end.id for end in each.endings if attempts and end.attempts != attempts]
        pool.must(not again, f"charged for what another did: {again}")


@pytest.mark.parametrize("poison", list(POISONS))
@row("17", "a job in the loop ends its process")
async def test_a_job_ends_the_process_of_its_loop(pool, poison):
    """It calls os._exit, reads memory that is not there, or is killed as for lack of memory."""
    await ends_its_process(pool, f"{poison}_in_loop", poison)


@pytest.mark.parametrize("poison", list(POISONS))
@pytest.mark.parametrize("place", PLACES)
@row(
    "17", "a job in a thread or process of its own ends that", arq="arq runs jobs in its loop alone"
)
async def test_a_job_elsewhere_ends_its_process(pool, place, poison):
    """It calls os._exit, reads memory that is not there, or is killed as for lack of memory."""
    await ends_its_process(pool, f"{poison}_in_{place}", poison)


async def ends_its_process(pool, name, poison):
    await pool.start(2, "harmful", "--processes", "1")
    others = await beside(pool)
    poisons = await pool.submit([(name, POISONS[poison])])
    await pool.outcomes(poisons)
    pool.all_are(poisons, "lost", re.escape(HOW[poison]))
    ran = len(pool.ledger.lines("start", poisons.ids[0]))
    pool.must(ran == 2, f"the poison ran {ran} times, not twice")
    await unharmed(pool, others)


@row("17", "jobs raise SystemExit", quick=True)
async def test_jobs_leave_politely(pool):
    """One job raises SystemExit in the loop, one in a thread, one in a process of its own."""
    await pool.start(2, "harmful", "--processes", "1")
    others = await beside(pool)
    places = ["loop", *PLACES] if pool.is_ours else ["loop"]
    names = [f"leave_politely_in_{place}" for place in dict.fromkeys(places)]
    leaving = await pool.submit([(name, (3,)) for name in names], executions=1)
    await pool.outcomes(leaving)
    pool.all_are(leaving, "failed", "SystemExit.*3")
    await unharmed(pool, others, 1)


@row("17", "a job in the loop takes all memory")
async def test_a_job_takes_the_memory_of_its_loop(pool):
    """RLIMIT_AS of 600 MiB: a job takes all, keeps it for 1 s, and fails; others wait meanwhile."""
    await takes_all_memory(pool, "loop")


@pytest.mark.parametrize("place", PLACES)
@row("17", "a job elsewhere takes all memory", arq=ALONE)
async def test_a_job_elsewhere_takes_all_memory(pool, place):
    """RLIMIT_AS of 600 MiB: a job takes all, keeps it for 1 s, and fails; others wait meanwhile."""
    await takes_all_memory(pool, place)


async def takes_all_memory(pool, place):
    limit = ("prlimit", f"--as={600 << 20}")
    await pool.start(2, "harmful", "--processes", "1", before=limit)
    others = await beside(pool, 5.0)  # they wait meanwhile: their own code would be refused memory
    taking = await pool.submit([(f"take_all_memory_in_{place}", (1.0,))])
    await pool.outcomes(taking)
    pool.all_are(taking, "failed", "MemoryError")
    await unharmed(pool, others)
