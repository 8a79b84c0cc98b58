"""A loop that jobs stop, and leave by exceptions that asyncio lets out."""

import asyncio
import logging
import signal

import pytest

from gatherq_worker.execution.event_loop import run_until_done


@pytest.fixture
def loop():
    loop = asyncio.new_event_loop()
    loop.add_signal_handler(signal.SIGINT, lambda: None)  # as a worker does
    yield loop
    loop.remove_signal_handler(signal.SIGINT)
    loop.close()


def raising(error):
    def run():
        raise error

    return run


def test_it_goes_on_whatever_others_do(loop, caplog):
    async def main():
        for attack in (loop.stop, raising(SystemExit(3)), raising(KeyboardInterrupt()), loop.stop):
            loop.call_soon(attack)
            await asyncio.sleep(0.001)
        return "done"

    with caplog.at_level(logging.ERROR):
        assert run_until_done(loop, loop.create_task(main())) == "done"
    assert [record.getMessage() for record in caplog.records] == [
        "a job stopped the event loop",
        "a job raised SystemExit outside of its own task",
        "a job raised KeyboardInterrupt outside of its own task",
    ]


@pytest.mark.parametrize("error", [RuntimeError("mine"), ValueError("mine"), SystemExit(4)])
def test_what_the_task_itself_raises_comes_out(loop, error):
    async def main():
        raise error

    with pytest.raises(type(error)):
        run_until_done(loop, loop.create_task(main()))
