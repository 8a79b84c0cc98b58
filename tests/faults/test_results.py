"""Results and errors that are hard to write, or too large."""

import pytest

from gatherq import InvalidCall, call

from .harness.rows import row

ALONE = "arq runs jobs in its loop alone"
#: How a job ends, and what its outcome says: type and text.
ENDS = {
    "not serialisable": "UnwritableResult.*lock|TypeError.*lock|unable to serialize",
    "no text": "UnwritableResult.*Opaque|RuntimeError.*no text",
    "a circle": "UnwritableResult",
    "an error without a text": "Mute",
    "a message of 10 MB": "ValueError.*xxx",
    "an ExceptionGroup": "ExceptionGroup.*two",
    "a BaseException": "BaseException.*base",
    "cannot be made again": "TwoWords.*this and that",
    "with what cannot be copied": "ValueError",
}
#: Sizes in bytes: of what is far too large, of what is not; and the most of what a record adds.
HUGE, LARGE, RECORD = 50_000_000, 7_000_000, 10_000


async def ends(pool, place):
    """Run a job for each way to end beside others, and hold each outcome to what it must say."""
    await pool.start(2, "harmful")
    others = await pool.submit([("nap", (0.5,))] * 10, executions=1)
    wanted = {how: text for how, text in ENDS.items() if pool.is_ours or how != "a circle"}
    ways = [*wanted, "arguments mutated"]  # pickle writes a circle
    calls = [(f"end_in_{place}", (how, ["a"])) for how in ways]
    ending = await pool.submit(calls, executions=1)
    *found, mutated = await pool.outcomes(ending)
    for how, each in zip(wanted, found, strict=True):
        pool.says(each, "failed", wanted[how])
        pool.must(len(each.error) < 200_000, f"{how!r} says {len(each.error):,} characters")
    pool.must(mutated.value == "fine", f"its arguments were mutated: {mutated.error[:200]}")
    if pool.is_ours:
        members = found[ways.index("an ExceptionGroup")].outcome.error.members
        pool.must([each.type for each in members] == ["ValueError", "ExceptionGroup"], "members")
    await pool.outcomes(others)
    pool.all_are(others, "succeeded")


@row("20", "results and errors that are hard to write", quick=True)
async def test_what_is_hard_to_write(pool):
    """One job for each kind: not serialisable, no repr, a circle, 10 MB, groups, BaseException."""
    await ends(pool, "loop")


@pytest.mark.parametrize("place", ["thread", "process"])
@row("20", "results and errors elsewhere that are hard to write", arq=ALONE)
async def test_what_is_hard_to_write_elsewhere(pool, place):
    """One job for each kind: not serialisable, no repr, a circle, 10 MB, groups, BaseException."""
    await ends(pool, place)


@row("21", "an argument of 50 MB", arq="arq has no limit: it is written, and copied to the result")
async def test_a_huge_argument(pool):
    """A batch with such an argument is submitted beside one that is fine."""
    await pool.start(2, "harmful")
    others = await pool.submit([("nap", (0.5,))] * 10, executions=1)
    said = ""
    try:
        calls = [call("measure_in_loop", "fine"), call("measure_in_loop", "x" * HUGE)]
        await pool.ours.producer().submit(calls)
    except InvalidCall as error:
        said = str(error)
    pool.must("slot 1" in said, f"it does not name the slot: {said[:300]!r}")
    pool.must("50,000,0" in said, f"it does not say how large it is: {said[:300]!r}")
    pool.must("8 MiB" in said or "8,388,608" in said, f"nor what is allowed: {said[:300]!r}")
    batches = [key async for key in pool.redis.scan_iter("gatherq:batch:*")]
    pool.must(len(batches) == 1, "something of what was refused is in Redis")
    await pool.outcomes(others)
    pool.all_are(others, "succeeded")


@row("21", "a result of 50 MB", arq="arq has no limit")
async def test_a_huge_result(pool):
    """A job in the loop, in a thread and in a process returns that."""
    await pool.start(2, "harmful")
    others = await pool.submit([("nap", (0.5,))] * 10, executions=1)
    names = [f"make_in_{place}" for place in ("loop", "thread", "process")]
    making = await pool.submit([(name, (HUGE,)) for name in names], executions=1)
    for each in await pool.outcomes(making):
        pool.says(each, "failed", "ResultTooLarge.*50,000,00.*(8 MiB|8,388,608)")
    await pool.outcomes(others)
    pool.all_are(others, "succeeded")


@row("21", "large arguments beside large results")
async def test_arguments_are_not_copied_into_results(pool):
    """Jobs with an argument of 7 MB return its length, or it, or fail."""
    await pool.start(2, "harmful")
    text = "x" * LARGE
    names = ["measure_in_loop", "reflect_in_loop", "refuse_in_loop"]
    submissions = [await pool.submit([(name, (text,))]) for name in names]
    for each in submissions:
        await pool.outcomes(each)
    measured, reflected, refused = submissions
    pool.all_are(measured, "succeeded")
    pool.all_are(reflected, "succeeded")
    pool.all_are(refused, "failed", "refused")
    pool.must(reflected.endings[0].value == text, "the result is another")
    for each, most in zip(submissions, (RECORD, LARGE + RECORD, RECORD), strict=True):
        size = await pool.redis.strlen(f"arq:result:{each.ids[0]}")
        pool.must(size <= most, f"a result takes {size:,} bytes, not {most:,} at most")
