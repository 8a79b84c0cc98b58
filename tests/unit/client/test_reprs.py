"""What a producer and its parts say of themselves: a line without secrets."""

from gatherq import Producer
from gatherq.client.batch import Batch
from gatherq.client.handle import Handle


def test_a_producer_shows_its_server_and_queue_and_no_password():
    producer = Producer("redis://user:secret@example.org:6380/2", queue="soup")
    assert repr(producer) == f"<Producer {producer.url} queue='soup'>"
    assert "secret" not in repr(producer)
    assert "example.org:6380/2" in repr(producer)


async def test_a_task_group_shows_what_asyncios_does():
    producer = Producer()
    async with producer.task_group() as group:
        assert repr(group) == "<TaskGroup entered>"
    await producer.aclose()


async def test_a_batch_and_a_handle_show_their_ids_and_states(session):
    batch = Batch(session, "soup", 3)
    assert repr(batch) == "<Batch soup of 3>"
    assert [repr(handle) for handle in batch.handles()][:2] == [
        "<Handle soup:0 pending>",
        "<Handle soup:1 pending>",
    ]
    assert repr(Handle(name="leek")) == "<Handle not submitted name='leek' pending>"
