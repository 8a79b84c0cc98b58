"""Operations on whole batches: in chunks, each with a request id, over a store that notes them."""

import pytest

from gatherq.client import batch_operations
from gatherq.errors import BatchNotFound, InvalidCall
from gatherq.store.maintenance import CHUNK

from .conftest import stub_session


class Store:
    """Notes the operations; it is each of its own parts."""

    def __init__(self, size=0):
        self.size, self.cancelled, self.redriven, self.swept = size, [], [], []
        self.requests, self.deleted, self.kept = [], [], []
        self.signature, self.changed = {}, ()
        self.maintenance = self.redrive = self

    async def cancel(self, batch, slots, by, request):
        self.cancelled.append(list(slots))
        self.requests.append(request)
        return None if batch == "gone" else len(slots) or 1

    async def sweep(self, batch, *, force):
        self.swept.append((batch, force))

    async def extend(self, batch, keep=None, by="producer"):
        self.kept.append((keep, by))
        return batch != "gone"

    async def signatures(self, batch, slots):
        return {slot: self.signature[slot] for slot in slots if slot in self.signature}

    async def ended_badly(self, batch, ended, signature=""):
        return [[s] for s in ended if not signature or self.signature.get(s) == signature]

    async def put_back(self, batch, first, slots, request, *, by, chosen):
        self.redriven.append((first, len(slots), chosen))
        self.requests.append(request)
        return len([slot for (slot,) in slots if slot not in self.changed])

    async def size_of(self, batch):
        return 0 if batch == "gone" else 900

    async def delete(self, batch, first, by):
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
    assert store.redriven == [(True, 50, 120), (False, 50, 120), (False, 20, 120)]
    assert len(set(store.requests)) == 3


async def test_a_redrive_begins_with_the_first_chunk_that_queues_a_slot(session, store):
    store.changed = range(50)
    assert await batch_operations.redrive(session, "b", dict.fromkeys(range(120), "failed")) == 70
    assert [first for first, _, _ in store.redriven] == [True, True, False]


async def test_a_redrive_of_one_error_group_asks_for_its_slots_alone(session, store):
    store.signature = dict.fromkeys(range(60), "3fa9c1d2") | {60: "77d0e2b1", 70: "3fb00000"}
    ended = dict.fromkeys(range(90), "failed")
    assert await batch_operations.redrive(session, "b", ended, "3fa9") == 60
    assert store.redriven == [(True, 50, 60), (False, 10, 60)]


async def test_a_signature_that_nothing_has_redrives_and_lifts_nothing(session, store):
    store.signature = {0: "3fa9c1d2"}
    assert await batch_operations.redrive(session, "b", {0: "failed"}, "77d0e2b1") == 0
    assert store.redriven == []


async def test_the_beginning_of_two_signatures_is_an_error_that_names_them(session, store):
    store.signature = {0: "3fa9c1d2", 1: "3fb00000"}
    with pytest.raises(ValueError, match=r"begin with 3f: 3fa9c1d2, 3fb00000; give more"):
        await batch_operations.redrive(session, "b", {0: "failed", 1: "failed"}, "3f")
    assert store.redriven == []


async def test_a_batch_is_kept_for_another_time(session, store):
    await batch_operations.keep(session, "b", 60, "me")
    assert store.kept == [(60.0, "me")]


@pytest.mark.parametrize("seconds", [0, -1, True, float("nan"), float("inf"), "7d"])
async def test_a_batch_is_kept_for_a_number_of_seconds(session, store, seconds):
    with pytest.raises(InvalidCall, match="keep takes"):
        await batch_operations.keep(session, "b", seconds, "me")
    assert store.kept == []


async def test_a_batch_is_deleted_to_its_end(session, store):
    await batch_operations.delete(session, "b")
    assert store.deleted == [0, 300, 600]


@pytest.mark.parametrize(
    "operation",
    [
        lambda session: batch_operations.cancel(session, "gone", (), "me"),
        lambda session: batch_operations.redrive(session, "gone", {0: "failed"}),
        lambda session: batch_operations.redrive(session, "gone", {0: "failed"}, "3f"),
        lambda session: batch_operations.keep(session, "gone", 60, "me"),
        lambda session: batch_operations.delete(session, "gone"),
    ],
)
async def test_a_batch_that_is_gone_is_not_found(session, operation):
    with pytest.raises(BatchNotFound, match="batch gone"):
        await operation(session)
