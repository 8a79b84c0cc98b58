"""Slips, typed as a user would: each is told at once, before anything is written or awaited."""

import asyncio
import traceback

import pytest

import gatherq
from gatherq import Batch, Call, Producer, call, job
from gatherq.errors import InvalidArguments, RedisUnavailable


@job()
async def chop(vegetable: str, seconds: float) -> str:
    return vegetable


@job()
async def weigh(vegetable: str) -> int:
    return len(vegetable)


@job()
def peel(vegetable: str) -> str:
    return vegetable


@job()
async def ping() -> None:
    pass


@job()
async def pickle(vegetable, days=1, salt=(), *, sugar=None):
    pass


@job()
async def boil(vegetable, minutes=1, *more):
    pass


class Knife:
    async def cut(self, vegetable):
        pass


def nested():
    async def inner(url):
        pass

    return inner


async def fetch(url, *rest, timeout=3, **more):
    pass


def plain(url):
    return url


async def stream():
    yield ONE


ONE, TWO = chop.call("x", 0), call("weigh", "y")


@pytest.fixture
async def producer():
    """A producer of no server: whatever is not refused at once fails as RedisUnavailable."""
    producer = Producer("redis://127.0.0.1:1", patience=0)
    yield producer
    await producer.aclose()


#: What is given for a call, and what is said of it.
SLIPS = [
    (lambda: chop("x", 0), "the coroutine chop('x', 0): write chop.call('x', 0)"),
    (lambda: chop, "the function chop: write chop.call(vegetable, seconds)"),
    (lambda: chop.call, "the function chop.call: write chop.call(vegetable, seconds)"),
    (lambda: peel, "the function peel: write peel.call(vegetable)"),
    (lambda: plain, "the function plain: write @job above plain, and plain.call(url)"),
    (
        lambda: fetch("u", 1, 2, timeout=5, retry=True),
        "the coroutine fetch('u', 1, 2, timeout=5, retry=True): write @job above fetch, and "
        "fetch.call('u', 1, 2, timeout=5, retry=True)",
    ),
    (lambda: pickle("x"), "the coroutine pickle('x'): write pickle.call('x')"),
    (lambda: pickle("x", 3), "the coroutine pickle('x', 3): write pickle.call('x', 3)"),
    (
        lambda: pickle("x", salt=2, sugar=None),
        "the coroutine pickle('x', 1, 2): write pickle.call('x', 1, 2)",
    ),
    (
        lambda: pickle("x", sugar=5),
        "the coroutine pickle('x', sugar=5): write pickle.call('x', sugar=5)",
    ),
    (lambda: boil("x", 1, 2), "the coroutine boil('x', 1, 2): write boil.call('x', 1, 2)"),
    (
        lambda: nested()("u"),
        "the coroutine inner('u'): write @job above inner, if it has none, and inner.call('u')",
    ),
    (
        lambda: Knife().cut("x"),
        "the coroutine Knife.cut(...): no worker finds a method; write a function of a module, "
        "with @job",
    ),
    (
        lambda: Knife().cut,
        "the method Knife.cut: no worker finds a method; write a function of a module, with @job",
    ),
    (
        lambda: asyncio.sleep(1),
        "the coroutine sleep(...): await it, or give it to asyncio.gather",
    ),
    (lambda: lambda: 1, "a lambda: write chop.call(...)"),
    (lambda: "chop", "the text 'chop': write call('chop', ...)"),
    (lambda: None, "None: write chop.call(...)"),
    (lambda: 5, "5, an int: write chop.call(...)"),
    (lambda: print, "<built-in function print>: write chop.call(...)"),
    (
        lambda: asyncio.get_running_loop().create_future(),
        "a Future: asyncio.gather takes what runs in this process",
    ),
]


def told(slips, *, wrap=str):
    """Return a parameter a slip, in which its call is to be written inside of something else."""
    return [pytest.param(make, wrap(text), id=text[:40]) for make, text in slips]


async def done(verb, given, options):
    made = verb(*given, **options)
    return await made if asyncio.iscoroutine(made) else made


async def refusal(verb, *given, **options):
    """Return what is said."""
    with pytest.raises(InvalidArguments) as caught:
        await done(verb, given, options)
    frames = traceback.extract_tb(caught.value.__traceback__)
    assert len(frames) <= 6  # these two, the verb and its usage, and what checks it
    return str(caught.value)


@pytest.mark.parametrize(("make", "text"), told(SLIPS))
async def test_what_is_no_call_is_named_with_what_to_write(producer, make, text):
    assert await refusal(producer.gather, make()) == f"gather takes calls, not {text}"
    assert await refusal(producer.submit_one, make()) == f"submit_one takes a call, not {text}"
    async with producer.task_group() as group:
        assert await refusal(group.create_task, make()) == f"create_task takes a call, not {text}"
    for calls in ([ONE, make()], (each for each in (ONE, make()))):
        assert await refusal(producer.submit, calls) == f"slot 1: submit takes calls, not {text}"


def inside(text):
    """Put the call of an advice into a list of `submit`."""
    what, advice, written = text.partition(": write ")
    first, above, written = written.rpartition(", and ")
    return f"{what}{advice}{first}{above}submit([{written}])" if advice else what


@pytest.mark.parametrize(("make", "text"), told(SLIPS, wrap=inside))
async def test_submit_wants_a_list(producer, make, text):
    assert await refusal(producer.submit, make()) == f"submit takes a list of calls, not {text}"


async def test_submit_of_a_single_call(producer):
    assert await refusal(producer.submit, ONE) == (
        "submit takes a list of calls, not the call chop.call('x', 0): "
        "write submit([chop.call('x', 0)])"
    )
    assert await refusal(producer.submit, TWO) == (
        "submit takes a list of calls, not the call call('weigh', 'y'): "
        "write submit([call('weigh', 'y')])"
    )


@pytest.mark.parametrize(
    ("make", "text"),
    [
        (lambda: [ONE, TWO], "a list of 2: write gather(*calls)"),
        (list, "a list of 0: write gather(*calls)"),
        (lambda: (each for each in [ONE]), "a generator: write gather(*calls)"),
        (lambda: {"a": ONE}, "a dict: write gather(*calls.values())"),
        (stream, "an async generator: write gather(*[each async for each in calls])"),
        (
            lambda: [chop("x", 0), chop("y", 1)],
            "a list of 2: write gather(*[chop.call('x', 0), ...])",
        ),
    ],
)
async def test_gather_wants_calls_one_by_one(producer, make, text):
    said = await refusal(producer.gather, make())
    assert said == f"gather takes calls one by one, not {text}"


async def test_calls_in_a_list_where_there_is_one_too_many_or_too_few(producer):
    assert await refusal(producer.submit, [[ONE]]) == (
        "submit takes calls one by one, not a list of 1: write submit(calls)"
    )
    assert await refusal(producer.submit, {"a": ONE}) == (
        "submit takes a list of calls, not a dict: write submit(calls.values())"
    )
    assert await refusal(producer.submit, stream()) == (
        "submit takes a list of calls, not an async generator: "
        "write submit([each async for each in calls])"
    )
    assert await refusal(producer.submit_one, [ONE, TWO]) == (
        "submit_one takes one call, not a list of 2: write submit_one(call) for each"
    )
    async with producer.task_group() as group:
        assert await refusal(group.create_task, (ONE,)) == (
            "create_task takes one call, not a tuple of 1: write create_task(call) for each"
        )


async def test_what_is_submitted_already(producer, session):
    batch = Batch(session, "b", 1)
    assert await refusal(producer.gather, batch) == (
        "gather takes calls, not a Batch: its jobs are submitted; "
        "`await batch.outcomes()` waits for them"
    )
    assert await refusal(producer.gather, *batch.handles()) == (
        "gather takes calls, not a Handle: its job is submitted; await it, or use asyncio.gather"
    )
    assert await refusal(producer.gather, producer.submit_one(ONE)) == (
        "gather takes calls, not the coroutine Producer.submit_one(...): "
        "await it, or give it to asyncio.gather"
    )


async def test_a_task_of_a_job_that_runs_here(producer):
    task = asyncio.create_task(chop("x", 0))
    assert await refusal(producer.gather, task) == (
        "gather takes calls, not a Task of chop('x', 0): write chop.call('x', 0)"
    )
    assert await task == "x"  # it is somebody else's


async def test_all_of_a_batch_is_checked_and_no_coroutine_is_left(producer):
    work = [chop("x", 0), weigh("y"), fetch("u")]
    with pytest.raises(InvalidArguments) as caught:
        await producer.gather(ONE, *work)
    assert str(caught.value) == (
        "slot 1: gather takes calls, not the coroutine chop('x', 0): write chop.call('x', 0)"
    )
    assert caught.value.slot == 1
    assert {each.cr_frame for each in work} == {None}  # closed


async def test_a_coroutine_that_has_begun_is_left_alone(producer):
    async def begun(vegetable):
        vegetable = vegetable.upper()
        await asyncio.sleep(10)

    work = begun("leek")
    work.send(None)
    assert await refusal(producer.gather, work) == (
        "gather takes calls, not the coroutine begun(...): "
        "write @job above begun, if it has none, and begun.call(...)"
    )
    assert work.cr_frame
    work.close()


@pytest.mark.parametrize("kind", [list, tuple, iter, dict.fromkeys])
async def test_any_iterable_of_calls_is_a_list_to_submit(producer, kind):
    class Named(Call):
        def __hash__(self):
            return id(self)

    calls = [Named("chop"), Named("weigh")]
    made = kind(calls).keys() if kind == dict.fromkeys else kind(calls)
    with pytest.raises(RedisUnavailable):  # it was taken
        await producer.submit(made)


@pytest.mark.parametrize(
    ("given", "text"),
    [
        (
            lambda: chop,
            "map calls chop with one item, and its signature is (vegetable: str, seconds: float): "
            "write map(lambda item: chop.call(*item), items)",
        ),
        (
            lambda: chop.call,
            "map calls chop with one item, and its signature is (vegetable: str, seconds: float): "
            "write map(lambda item: chop.call(*item), items)",
        ),
        (
            lambda: ping,
            "map calls ping with one item, and its signature is (): "
            "write map(lambda _: ping.call(), items)",
        ),
        (
            lambda: weigh("x"),
            "map takes a job and its items, not the coroutine weigh('x'): write map(weigh, items)",
        ),
        (
            lambda: weigh.call("x"),
            "map takes a job and its items, not the call weigh.call('x'): write map(weigh, items)",
        ),
        (
            lambda: ["x"],
            "map takes a job and its items, not a list of 1: write map(chop, items)",
        ),
        (
            lambda: fetch,
            "map takes a job and its items, not the function fetch: "
            "write @job above fetch, and map(fetch, items)",
        ),
        (lambda: None, "map takes a job and its items, not None: write map(chop, items)"),
    ],
)
async def test_map_wants_a_job_of_one_item(producer, given, text):
    assert await refusal(producer.map, given(), ["x"]) == text


@pytest.mark.parametrize(
    ("given", "text"),
    [
        (plain, "the text 'x': write call('x', ...)"),
        (lambda item: weigh(f"{item}"), "the coroutine weigh('x'): write weigh.call('x')"),
        (lambda item: None, "None: write chop.call(...)"),
    ],
)
async def test_a_function_of_map_returns_calls(producer, given, text):
    async def first():
        await anext(producer.map(given, ["x"]))

    said = await first_refusal(first)
    assert said == f"map takes a job, or a function that returns a call, not {text}"


async def first_refusal(work):
    with pytest.raises(InvalidArguments) as caught:
        await work()
    return str(caught.value)


@pytest.mark.parametrize(
    ("items", "text"),
    [
        (lambda: 5, "5, an int"),
        (lambda: None, "None"),
        (lambda: stream, "the function stream: write stream()"),
        (lambda: fetch("u"), "the coroutine fetch('u')"),
    ],
)
async def test_map_wants_items(producer, items, text):
    said = await refusal(producer.map, weigh, items())
    assert said == f"map takes items to read one by one, not {text}"


@pytest.mark.parametrize("kind", [set, frozenset])
async def test_submit_of_what_has_no_order(producer, kind):
    assert await refusal(producer.submit, kind([ONE, TWO])) == (
        f"submit takes a list of calls, not a {kind.__name__}"
        f"{' of 2' if kind is set else ''}, which has no order: write submit([...])"
    )


@pytest.mark.parametrize("wait", [asyncio.gather, lambda call: asyncio.wait_for(call, 1)])
async def test_a_call_is_no_awaitable(wait):
    advice = (
        "chop('x', 0) is the description of a job: `await producer.gather(...)` runs it on the "
        "pool, and the function itself, without `.call`, runs here"
    )
    for awaited in (lambda: wait(ONE), lambda: ONE):
        with pytest.raises(TypeError) as raised:
            await awaited()
        assert str(raised.value) == advice


@pytest.mark.parametrize(
    ("given", "shown"), [(chop, "chop at 0x"), (plain, "plain at 0x"), (Call, "class ")]
)
def test_call_wants_a_name(given, shown):
    with pytest.raises(InvalidArguments) as raised:
        call(given, "x")
    said = str(raised.value)
    assert said.startswith("call takes the name of a job, not <")
    assert shown in said
    assert said.endswith(f": write {given.__name__}.call(...)")


async def test_with_in_place_of_async_with(producer):
    with (
        pytest.raises(TypeError, match="^a Producer is entered by `async with`, not by `with`$"),
        producer,
    ):
        pass
    with (
        pytest.raises(TypeError, match="^a TaskGroup is entered by `async with`, not by `with`$"),
        producer.task_group(),
    ):
        pass


@pytest.mark.parametrize("make", [lambda p: p, lambda p: p.task_group()])
async def test_what_is_entered_is_not_awaited(producer, make):
    entered = make(producer)
    kind = type(entered).__name__
    with pytest.raises(
        TypeError, match=f"^a {kind} is not awaited: it is entered by `async with`$"
    ):
        await entered


async def test_a_batch_is_not_awaited_itself(session):
    batch = Batch(session, "b", 1)
    for wait in (asyncio.gather, lambda batch: asyncio.wait_for(batch, 1), lambda batch: batch):
        with pytest.raises(TypeError) as caught:
            await wait(batch)
        assert str(caught.value) == (
            "a Batch is not awaited itself: `await batch.outcomes()` waits for its jobs, and "
            "`await producer.gather(...)` returns their values"
        )


async def test_the_verbs_of_a_batch_say_what_they_take(session):
    batch = Batch(session, "b", 1)
    assert await refusal(batch.outcomes, timeout=3) == (
        "outcomes has no option 'timeout': write asyncio.wait_for(batch.outcomes(), 10)"
    )
    assert await refusal(batch.wait, 3) == "wait takes options by name alone: wait(timeout=10)"
    assert await refusal(batch.wait, timeot=3) == (
        "wait has no option 'timeot': did you mean 'timeout'? (it takes timeout, return_when)"
    )
    assert await refusal(batch.as_completed, 3) == (
        "as_completed takes its timeout by name: as_completed(timeout=10)"
    )
    with pytest.raises(TypeError, match=r"^slots are given one by one, not as a list: \*slots$"):
        await batch.cancel([0])


async def test_a_batch_is_read_asynchronously(session):
    batch = Batch(session, "b", 1)
    for read in (list, iter, lambda batch: [*batch]):
        with pytest.raises(TypeError) as caught:
            read(batch)
        assert str(caught.value) == (
            "a Batch is read by `async for outcome in batch`, or as a list by "
            "`await batch.outcomes()`"
        )
    with pytest.raises(TypeError) as caught:
        batch[0]
    assert str(caught.value) == (
        "a Batch has no items: `await batch.outcomes()` is a list of all outcomes, "
        "`batch.handles()` one of what to await"
    )


LISTED = "submit takes one list of calls, and options by name: submit([c1, c2], timeout=10)"


@pytest.mark.parametrize(
    ("args", "text"),
    [
        ((), LISTED),
        ((ONE, TWO), LISTED),
        (([ONE], 10), LISTED),
        ((chop, "x", 3), LISTED.replace("c1, c2], timeout=10", "chop.call('x', 3)]")),
    ],
)
async def test_submit_takes_one_list(producer, args, text):
    assert await refusal(producer.submit, *args) == text


@pytest.mark.parametrize(
    ("make", "written"),
    [
        (lambda: (weigh, "x"), "weigh.call('x')"),
        (lambda: (weigh.call, "x"), "weigh.call('x')"),
        (lambda: (weigh("x"), 3), "weigh.call('x')"),
        (lambda: (ONE, 3), "chop.call('x', 0)"),
        (lambda: (), "chop.call(...)"),
    ],
)
async def test_one_job_is_submitted_as_a_call(producer, make, written):
    assert await refusal(producer.submit_one, *make()) == (
        f"submit_one takes a call: submit_one({written})"
    )
    async with producer.task_group() as group:
        assert await refusal(group.create_task, *make()) == (
            f"create_task takes a call: create_task({written})"
        )


async def test_a_timeout_of_one_job_stands_at_its_call(producer):
    assert await refusal(producer.submit_one, ONE, timeout=3) == (
        "submit_one has no option 'timeout': write it at the call, "
        "chop.call(...).with_timeout(10) (it takes call, name, lease)"
    )


async def test_other_verbs_say_what_they_take(producer):
    assert await refusal(producer.map, chop) == (
        "map takes a job and its items: map(chop, items, window=50)"
    )
    assert (
        await refusal(producer.batch) == "batch takes the id of one batch: batch('nightly-report')"
    )
    assert await refusal(producer.task_group, 3) == (
        "task_group takes options by name alone: task_group(timeout=10)"
    )
    assert await refusal(Producer, "redis://h", "mail") == (
        "Producer takes a URL, and options by name: "
        "Producer('redis://localhost:6379', queue='mail')"
    )
    assert await refusal(gatherq.local, process=2) == (
        "gatherq.local has no option 'process': did you mean 'processes'? (it takes processes, "
        "concurrency, queue, data, redis_url, keep, patience, no_workers, web)"
    )


async def test_an_option_that_a_verb_has_not_is_named_with_the_nearest(producer):
    for verb in (producer.submit, producer.gather, producer.task_group):
        said = await refusal(verb, timout=3)
        assert " has no option 'timout': did you mean 'timeout'? (it takes " in said
