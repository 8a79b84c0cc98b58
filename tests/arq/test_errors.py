"""Errors that do not pickle, or whose own code resists, as plain arq producers read them."""

import threading

import pytest
from arq.jobs import DeserializationError, SerializationError
from arq.worker import func


def unwilling(*args, **kwargs):
    raise RuntimeError("unwilling")


class Wanting(Exception):
    def __init__(self, one, *, two):
        super().__init__(one)


class NoReduce(ValueError):
    __reduce__ = __reduce_ex__ = unwilling


class NoRepr(ValueError):
    __repr__ = unwilling


class NoText(ValueError):
    __str__ = unwilling


class NoClass(ValueError):
    __class__ = property(unwilling)


def local():
    return type("Local", (ValueError,), {"__module__": "nowhere"})("x")


def circle():
    one, other = ValueError("one"), KeyError("other")
    one.__cause__, other.__cause__ = other, one
    return one


CASES = {
    "written, not read": (lambda: Wanting(1, two=2), DeserializationError),
    "not written": (lambda: NoReduce("x"), SerializationError),
    "of a class that is not found": (local, SerializationError),
    "with an argument that is not written": (
        lambda: ValueError(threading.Lock()),
        SerializationError,
    ),
    "with such a member": (lambda: ExceptionGroup("g", [local()]), SerializationError),
    "a group": (lambda: ExceptionGroup("g", [ValueError(1), KeyError(2)]), ExceptionGroup),
    "a circle": (circle, ValueError),
    "without a repr": (lambda: NoRepr("x"), NoRepr),
    "a warning": (lambda: DeprecationWarning("w"), DeprecationWarning),
    "a stop": (lambda: StopIteration(5), RuntimeError),
}


async def ended(redis, make, error, **options):
    """Run a job that raises it; return the job and the worker."""

    async def job(ctx):
        raise error

    found = await redis.enqueue_job("job")
    worker = make([func(job, name="job")], **options)
    await worker.main()
    return found, worker


@pytest.mark.parametrize(("error", "read"), CASES.values(), ids=CASES)
async def test_it_is_read_as_arq_has_it(redis, make, error, read):
    job, worker = await ended(redis, make, error())
    with pytest.raises(read) as raised:
        await job.result(timeout=5, poll_delay=0.01)
    assert type(raised.value) is read
    assert (worker.jobs_complete, worker.jobs_failed, worker.jobs_retried) == (0, 1, 0)


@pytest.mark.parametrize("kind", ["gatherq"])
@pytest.mark.parametrize("error", [NoText, NoClass])
async def test_what_ends_arqs_worker_is_the_jobs_failure(redis, make, error):
    job, worker = await ended(redis, make, error("x"))
    with pytest.raises(error):
        await job.result(timeout=5, poll_delay=0.01)
    assert worker.jobs_failed == 1
