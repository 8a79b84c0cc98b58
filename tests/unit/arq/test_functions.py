"""arq's functions, cron jobs and ours, as the engine's handlers."""

import math

import pytest
from arq import cron, func

from gatherq import job
from gatherq.contract.job_definition import JobDefinition
from gatherq_worker.arq.functions import arq_handler, own_handler, table_entry
from gatherq_worker.registry import Handler


async def theirs(ctx):
    pass


@job(timeout=3)
def ours(a: int) -> int:
    return a


def handler_of(entry, keep_forever=False, keep=3600.0):
    return arq_handler(entry, keep_forever=keep_forever, keep=keep)


def test_a_job_or_a_handler_is_ours_whatever_it_is_wrapped_in():
    handler = own_handler(ours)
    assert handler
    assert (handler.name, handler.definition.timeout, handler.takes_ctx) == ("ours", 3, False)
    assert own_handler(handler) is handler
    assert own_handler(theirs) is None
    entry = table_entry(handler)
    assert (entry.name, entry.coroutine) == ("ours", ours)
    assert handler_of(entry) == handler


def test_a_function_of_theirs_takes_ctx_and_says_how_it_is_run():
    handler = handler_of(func(theirs, name="other", timeout=4, max_tries=7))
    assert (handler.name, handler.function, handler.takes_ctx) == ("other", theirs, True)
    definition = handler.definition
    assert (definition.timeout, definition.max_attempts, handler.keep_in_progress) == (4, 7, 0.0)


@pytest.mark.parametrize(
    ("entry", "keep_forever", "keep"),
    [
        (func(theirs), False, 3600.0),
        (func(theirs), True, math.inf),
        (func(theirs, keep_result=5), False, 5),
        (func(theirs, keep_result=5), True, math.inf),
        (func(theirs, keep_result_forever=True), False, math.inf),
        (func(theirs, keep_result_forever=False), True, 3600.0),
        (func(theirs, keep_result=5, keep_result_forever=False), True, 5),
    ],
)
def test_results_stay_as_long_as_the_function_or_else_the_worker_says(entry, keep_forever, keep):
    assert handler_of(entry, keep_forever).keep == keep


def test_a_cron_job_leaves_a_mark_for_plain_workers():
    assert handler_of(cron(theirs, name="each", minute=1)).keep_in_progress > 0


def test_a_handler_is_not_copied():
    given = Handler(JobDefinition("given"), theirs, takes_ctx=True)
    assert own_handler(given) is given
