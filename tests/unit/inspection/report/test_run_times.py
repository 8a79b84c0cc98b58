"""Run times by job."""

from math import isnan

import pytest

from gatherq.inspection.report.run_times import percentile

from .slots import attempt, failed, never_started, report_of, succeeded


@pytest.mark.parametrize(("percent", "value"), [(50, 50), (95, 95), (99, 99), (100, 100), (0, 1)])
def test_a_percentile_is_a_value_that_is_there(percent, value):
    assert percentile([*range(1, 101)], percent) == value


def test_a_percentile_of_one_and_of_none():
    assert percentile([7], 50) == percentile([7], 99) == 7
    assert isnan(percentile([], 50))


async def test_jobs_by_number_of_slots_with_waits_and_retries():
    again = failed(2, 3.0, 5.0, history=[attempt(1, 1.0, 2.0)])
    report = await report_of(succeeded(0, 0.0, 1.0, name="parse"), succeeded(1, 0.5, 1.0), again)
    fetch, parse = report.run_times
    assert (fetch.job, fetch.slots, fetch.p50, fetch.longest) == ("fetch", 2, 500, 2000)
    assert (fetch.wait, fetch.retries) == (1000, 1)
    assert (parse.job, parse.slots, parse.p99, parse.retries) == ("parse", 1, 1000, 0)


async def test_what_never_began_has_no_run_time():
    (found,) = (await report_of(never_started(0))).run_times
    assert isnan(found.p50)
    assert found.retries == 0
