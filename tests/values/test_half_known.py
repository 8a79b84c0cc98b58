"""An annotation of no use is named once, however many processes and jobs apart there are."""

from gatherq import call

from ..conftest import in_contact, until
from .test_travel import TABLE


async def test_an_annotation_of_no_use_is_named_once_a_worker(producer, start_worker, queue, capfd):
    start_worker("--processes", "2", module="tests.values.half_known", cwd=TABLE.parents[1])
    async with until(30):
        await in_contact(producer.redis, queue, 2, 0)  # both have said what they say
        for n in range(3):  # one after the other: each in a process that is new, or used again
            found = await producer.gather(*[call("half_known", n), call("known", n)] * 2)
            assert found == [n] * 4
    log = capfd.readouterr().err
    assert log.count("job half_known: the annotation of parameter 'x' cannot be used") == 1
    assert log.count("job half_known: the annotation of its result cannot be used") == 1
    assert log.count("cannot be used") == 2
