"""What an Inspector hides is in nothing that it reads."""

import asyncio
import json
from contextlib import suppress

from gatherq import BatchNotFound, Inspector, call
from gatherq.inspection.json_records import slot_record
from gatherq.inspection.redaction.values import hide
from gatherq.inspection.report.page import page_of
from gatherq.inspection.report.page_data import data_of
from gatherq.inspection.report.trace import trace_of

from ..conftest import until
from .hidden import WORD


async def submit(start_worker, producer, folder):
    """Submit a batch that ends in every way, and one with slots that run and that back off."""
    start_worker("--grace", "0", module="hidden")
    for id_ in ("ended", "going"):  # of a test before
        with suppress(BatchNotFound):
            await (await producer.batch(id_)).delete()
    calls = [
        call("returns", WORD, password=WORD),
        call("raises", WORD),
        call("raises_many", WORD),
        call("is_late", WORD),
    ]
    ended = await producer.submit(calls, batch_id="ended")
    await ended.outcomes()
    await ended.redrive()
    await ended.outcomes()
    going = [call("backs_off", WORD), call("waits", WORD, str(folder / "never"))]
    await producer.submit(going, batch_id="going")


async def told(inspector):
    """Wait until all is in Redis that can be read of these batches."""
    while True:
        running = await inspector.running("going")
        history = [slot.history async for slot in inspector.slots("going")]
        if running and running[0].job.progress and history[0]:
            return
        await asyncio.sleep(0.05)


async def all_of(inspector):
    """Return by its name, as text, what each method reads."""
    found = {"workers": await inspector.workers(), "events": [e async for e in inspector.events()]}
    found["counted"] = await inspector.counted_errors(await inspector.batches())
    for batch in ("ended", "going"):
        slots = [slot async for slot in inspector.slots(batch)]
        report = await inspector.report(batch)
        found |= {
            f"slots {batch}": slots,
            f"calls {batch}": [(slot.call, slot.error_line) for slot in slots],
            f"records {batch}": [json.dumps(slot_record(slot)) for slot in slots],
            f"groups {batch}": await inspector.error_groups(batch),
            f"seen groups {batch}": await inspector.error_groups(f"{batch}:0-1"),
            f"changes {batch}": await inspector.error_changes(batch),
            f"running {batch}": await inspector.running(batch),
            f"watch {batch}": await anext(inspector.watch(batch)),
            f"explain {batch}": await inspector.explain(batch),
            f"report {batch}": report,
            f"page {batch}": page_of(report) + str(data_of(report)),  # where it is packed
            f"trace {batch}": [*trace_of(report)],
        }
    return {name: str(each) for name, each in found.items()}


FILTERS = [f"args.0:{WORD}", f"args.password:{WORD}", f"error:*{WORD}*"]


async def found_by(inspector, filter_):
    return [slot.slot async for slot in inspector.slots("ended", filter_)]


async def test_nothing_that_is_read_has_what_is_hidden(
    server_url, queue, producer, start_worker, tmp_path
):
    async with until(60):
        await submit(start_worker, producer, tmp_path)
        async with Inspector(server_url, queue=queue) as inspector:
            await told(inspector)
            shown = await all_of(inspector)
            assert all([await found_by(inspector, each) for each in FILTERS])
            whole = await inspector.report("ended", redact=True)
        assert WORD not in page_of(whole) + str(data_of(whole)) + "".join(trace_of(whole))
        # What shows nothing of it anyway would pass below for nothing.
        assert {name for name, text in shown.items() if WORD not in text} == {
            *("events", "running ended", "explain ended"),
            *("groups going", "seen groups going", "changes going"),
        }
        for redact in (hide, lambda name, value: without(value)):
            async with Inspector(server_url, queue=queue, redact=redact) as inspector:
                found = await all_of(inspector)
                assert [await found_by(inspector, each) for each in FILTERS] == [[], [], []]
                other = await all_of(inspector.on("another").on(queue))
            assert found.keys() == shown.keys()
            assert [name for name, text in (*found.items(), *other.items()) if WORD in text] == []


def without(value):
    return value.replace(WORD, "***") if isinstance(value, str) else value
