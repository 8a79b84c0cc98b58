"""Operations on whole batches: in chunks, each with a request id, over a store that notes them."""

import pytest

from gatherq.client import batch_operations
from gatherq.errors import BatchNotFound
from gatherq.store.maintenance import CHUNK

from .conftest import stub_session


class Store:
    """Notes the operations; it is each of its own parts."""

    def __init__(self, size=0):
        self.size, self.cancelled, self.redriven, self.swept = size, [], [], []
        self.requests, self.deleted = [], []
        self.maintenance = self.redrive = self

    async def cancel(self, batch, slots, by, request):
        self.cancelled.append(list(slots))
        self.requests.append(request)
        return None if batch == "gone" else len(slots) or 1

    async def sweep(self, batch, *, force):
        self.swept.append((batch, force))

    async def extend(self, batch):
        pass

    async def ended_badly(self, batch, ended):
        return list(ended)

    async def put_back(self, batch, first, slots, request):
        self.redriven.append((first, len(slots)))
        self.requests.append(request)
        return None if batch == "gone" else len(slots)

    async def size_of(self, batch):
        return 0 if batch == "gone" else 900

    async def delete(self, batch, first):
        self.deleted.append(first)
        return first + 300 if first < 600 else 0


@pytest.fixture
def store():
    return Store()


@pytest.fixture
def session(store):
    return stub_session(store)


async def test_slots_are_cancelled_once_each_in_chunks_of_their_own_request(session, store):
    slots = [*range(CHUNK + 1), 0, 1]
    assert await batch_operations.cancel(session, "b", slots, "me") == CHUNK + 1
    assert store.cancelled == [list(range(CHUNK)), [CHUNK]]
    assert len(set(store.requests)) == 2
    assert store.swept == []


async def test_a_whole_batch_is_cancelled_by_one_call_and_swept(session, store):
    assert await batch_operations.cancel(session, "b", (), "me") == 1
    assert (store.cancelled, store.swept) == ([[]], [("b", True)])


async def test_a_redrive_lifts_the_cancellation_with_its_first_chunk_alone(session, store):
    assert await batch_operations.redrive(session, "b", dict.fromkeys(range(120), "failed")) == 120
    assert store.redriven == [(True, 50), (False, 50), (False, 20)]
    assert len(set(store.requests)) == 3


async def test_a_batch_is_deleted_to_its_end(session, store):
    await batch_operations.delete(session, "b")
    assert store.deleted == [0, 300, 600]


@pytest.mark.parametrize(
    "operation",
    [
        lambda session: batch_operations.cancel(session, "gone", (), "me"),
        lambda session: batch_operations.redrive(session, "gone", {0: "failed"}),
        lambda session: batch_operations.delete(session, "gone"),
    ],
)
async def test_a_batch_that_is_gone_is_not_found(session, operation):
    with pytest.raises(BatchNotFound, match="batch gone"):
        await operation(session)
