"""Marks of jobs that arq's producers want to be aborted."""

import pytest

from gatherq_worker.arq.aborts import Aborts


class Store:
    """Knows marks, or is away."""

    def __init__(self, marked=(), error=None):
        self.marked, self.error, self.forgotten = set(marked), error, []

    async def aborted(self, job_ids):
        if self.error:
            raise self.error
        return self.marked & set(job_ids)

    async def forget_aborts(self, seconds):
        if self.error:
            raise self.error
        self.forgotten.append(seconds)


async def test_those_that_are_marked_are_found_and_old_marks_are_removed():
    store = Store(["a", "z"])
    assert await Aborts(store).requested(["a", "b"]) == {"a"}
    await Aborts(store).forget()
    assert store.forgotten > [86_400.0], "no job of arq's lives so long"


@pytest.mark.parametrize("error", [ConnectionError("away"), TimeoutError()])
async def test_a_server_that_is_away_is_asked_again_later(error):
    aborts = Aborts(Store(error=error))
    assert await aborts.requested(["a"]) == set()
    await aborts.forget()
