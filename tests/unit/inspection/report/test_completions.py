"""What ended, ran and waited in each interval."""

import pytest

from gatherq.inspection.report.completions import means, step_of

from .slots import never_started, pending, report_of, succeeded


@pytest.mark.parametrize(
    ("until", "step"),
    [(1, 1), (120, 1), (121, 2), (500, 5), (1300, 20), (3_600_000, 50_000)],
)
def test_a_step_is_round_and_120_of_them_are_enough(until, step):
    assert step_of(until) == step


def test_a_mean_counts_parts_of_an_interval():
    assert means([(0, 10), (5, 25)], 10, 3) == [1.5, 1, 0.5]
    assert means([(0, float("nan"))], 10, 3) == [1, 1, 1]
    assert means([(float("nan"), 10)], 10, 3) == [0, 0, 0]
    assert means([(2, 4)], 10, 2) == [0.2, 0]
    assert means([(25, 900)], 10, 3) == [0, 0, 0.5]


async def test_slots_are_counted_where_they_end():
    report = await report_of(*(succeeded(n, 0.0, 0.1 * (n + 1)) for n in range(10)), now=2.0)
    found = report.completions
    assert found.step == 10
    (row,) = found.ended.values()
    assert sum(row) == 10
    assert [at for at, count in enumerate(row) if count] == [10, 20, 30, 40, 50, 60, 70, 80, 90, 99]


async def test_who_never_begins_waits_to_its_end_or_to_now():
    report = await report_of(never_started(0), pending(1, "queued"), now=6.0)
    found = report.completions
    assert len(found.queued) * found.step == 6000
    assert (found.queued[0], found.queued[-1]) == (2, 1)
    assert set(found.running) == {0}
