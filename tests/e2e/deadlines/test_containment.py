"""Whatever a job does is an outcome of its own: no worker dies, no sibling notices."""

import os

from gatherq import Cancelled, Failed, Succeeded
from tests.conftest import until

from . import unruly

WANTED = {
    "exit": (Failed, "SystemExit: 3"),
    "interrupt": (Failed, "KeyboardInterrupt"),
    "generator": (Failed, "GeneratorExit"),
    "base": (Failed, "BaseException: base"),
    "stop": (Failed, "RuntimeError: coroutine raised StopIteration"),
    "group": (Failed, "BaseExceptionGroup: two"),
    "resisting": (Failed, "Resisting"),
    "huge": (Failed, "ValueError: xxx"),
    "deep": (Failed, "UnwritableResult"),
    "recursion": (Failed, "RecursionError"),
    "unwritable": (Failed, "UnwritableResult"),
    "circular": (Failed, "UnwritableResult"),
    "mutated": (Succeeded, "fine"),
    "exit in a task": (Failed, "SystemExit: 4"),
    "exit in a callback": (Succeeded, "fine"),
    "cancels itself": (Cancelled, "job"),
    "cancels itself late": (Succeeded, "fine"),
}


async def test_every_way_to_end_is_an_outcome_and_the_worker_goes_on(producer, start_worker):
    worker = start_worker("--processes", "0", module="deadlines.unruly")
    calls = [unruly.ends.call(how, []) for how in WANTED]
    siblings = [unruly.works.call(n) for n in range(20)]
    async with until(60):
        outcomes = await (await producer.submit([*calls, *siblings], timeout=30)).outcomes()
        for how, outcome in zip(WANTED, outcomes, strict=False):
            kind, text = WANTED[how]
            assert isinstance(outcome, kind), (how, outcome)
            match outcome:
                case Failed(error):
                    assert text in str(error), how
                    assert len(str(error)) < 100_000
                case Succeeded(value):
                    assert value == text
                case Cancelled(by):
                    assert by == text
        assert [o.value for o in outcomes[len(WANTED) :]] == list(range(20))
        assert {o.attempt for o in outcomes} == {1}
        assert len({o.worker for o in outcomes}) == 1
        assert worker.poll() is None
    group = outcomes[list(WANTED).index("group")].error
    assert [member.type for member in group.members] == ["SystemExit", "ExceptionGroup"]
    assert group.members[1].members[0].type == "KeyError"
    os.kill(worker.pid, 0)
