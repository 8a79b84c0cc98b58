"""The numbers of two charts, and of the table in their place."""

import json
from datetime import UTC, datetime
from types import SimpleNamespace

import pytest
from starlette.exceptions import HTTPException

from gatherq.contract.statistics import BOUNDS, BUCKETS, JobStatistics
from gatherq.inspection.job_info import StatisticsPeriod
from gatherq_web.pages.pool.charts import charts_of

MINUTE, HOUR = 60, 3600
#: A full hour.
START = 1_795_000_000 // 86_400 * 86_400


def counted(succeeded=1, failed=0, at=5):
    took = tuple(succeeded + failed if n == at else 0 for n in range(BUCKETS))
    return JobStatistics(succeeded=succeeded, failed=failed, run=took)


def period(number, seconds=MINUTE, **jobs):
    start = datetime.fromtimestamp(START + number * seconds, UTC)
    return StatisticsPeriod(start=start, seconds=seconds, jobs=jobs)


class Counts:
    """An Inspector that has statistics alone."""

    def __init__(self, *periods):
        self.periods, self.asked = periods, None

    async def statistics(self, since, *, by):
        self.asked = (since, by)
        return self.periods


async def charts(inspector, job=None, oldest=None, **query):
    request = SimpleNamespace(query_params=query)
    return await charts_of(request, inspector, job=job, oldest=oldest)


@pytest.mark.parametrize(
    ("since", "asked", "step"),
    [
        *(("1h", (HOUR, "minute"), 60), ("8h", (8 * HOUR, "minute"), 300)),
        *(("30d", (720 * HOUR, "hour"), HOUR), ("", (HOUR, "minute"), 60)),
    ],
)
async def test_how_far_back_is_asked_for(since, asked, step):
    inspector = Counts(period(0, a=counted()))
    found = await charts(inspector, since=since)
    assert inspector.asked == asked
    assert json.loads(found.data)["step"] == step


async def test_a_span_that_there_is_not_is_refused():
    with pytest.raises(HTTPException, match="since is 'junk'; give 1h or 8h or 30d"):
        await charts(Counts(period(0, a=counted())), since="junk")


async def test_minutes_become_bars_and_rows():
    inspector = Counts(*(period(n, a=counted(), b=counted(failed=1)) for n in range(62)))
    found = await charts(inspector, since="8h")
    data = json.loads(found.data)
    assert data["times"] == [START + n * 300 for n in range(13)]
    assert data["ended"]["succeeded"] == [*[10] * 12, 4]
    assert data["ended"]["failed"] == [*[5] * 12, 2]
    assert [row.statistics.ended for row in found.rows] == [180, 6]
    assert found.ended.ended == 186


async def test_one_job_is_counted_without_the_others():
    inspector = Counts(period(0, a=counted(3), b=counted(5)), period(1, b=counted(7)))
    found = await charts(inspector, job="a")
    assert json.loads(found.data)["ended"]["succeeded"] == [3, 0]
    assert found.ended.succeeded == 3


async def test_where_nothing_ended_there_is_no_time():
    data = json.loads((await charts(Counts(period(0), period(1, a=counted())))).data)
    assert data["took"]["run p50"][0] is None
    assert BOUNDS[4] < data["took"]["run p50"][1] <= BOUNDS[5]
    assert data["took"]["wait p95"] == [None, None]


async def test_what_an_axis_cannot_show_is_at_its_end():
    inspector = Counts(period(0, a=counted(at=BUCKETS - 1)), period(1, a=counted(10_000, at=0)))
    data = json.loads((await charts(inspector, oldest=1e9)).data)
    assert data["took"]["run p50"][0] == BOUNDS[-1]
    assert data["oldest"] == BOUNDS[-1]
    assert min(data["took"]["run p50"]) >= 0.001
    assert not json.loads((await charts(inspector, oldest=0.0)).data)["oldest"]


async def test_a_page_that_has_its_charts_gets_none():
    inspector = Counts()
    assert await charts(inspector, charts="no") is None
    assert inspector.asked is None
