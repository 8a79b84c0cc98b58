"""`Handle`: one job on the pool, as the asyncio.Task that a local call would be.

A handle has the methods that its users call. What only a batch, a handle group or a submit buffer
does to a handle is a function of this module.
"""

import asyncio
from collections.abc import Callable
from contextvars import Context, copy_context
from typing import TYPE_CHECKING, Any, TypeVar

from gatherq.contract.jobs import Call
from gatherq.contract.outcomes import Cancelled, Outcome, Succeeded, exception_of

if TYPE_CHECKING:  # a group settles its handles, and a handle asks its group to cancel
    from .handle_group import HandleGroup

T = TypeVar("T")

#: A function that ends a handle, or the future that its follower awaits; its second argument.
_Settlement = tuple[Callable[[asyncio.Future[Any], Any], object], Any]


class Handle(asyncio.Future[T]):
    """A job that was submitted, awaited as often as you like.

        handle = await producer.submit_one(chop.call("carrot", 3))
        text = await handle                # the value, or the job's error raised
        outcome = await handle.outcome()   # Succeeded, Failed, TimedOut, Cancelled or Lost
        handle.cancel()                    # False: it has ended

    It is an `asyncio.Future`, so all that takes one takes it: `wait_for`, `wait`, `gather`,
    `as_completed`, `shield`, `timeout`. As with a Task, cancelling it, or who awaits it, cancels
    the job, and the awaiting goes on when the job has ended. `done()`, `result()`, `exception()`
    and `cancelled()` tell what has arrived here; the first look begins to watch, and none of them
    asks Redis. Its result is final: if Redis was away for too long, attach to the batch again.
    """

    # A handle is one of many: each dictionary would be one more object for the garbage collector.
    __slots__ = (
        "_call",
        "_cancel_message",
        "_cancel_requested",
        "_close_error",
        "_follower",
        "_follower_future",
        "_group",
        "_name",
        "_outcome",
        "_settlement",
        "_slot",
        "_watched",
    )

    def __init__(
        self,
        call: Call[T] | None = None,
        *,
        name: str | None = None,
        loop: asyncio.AbstractEventLoop | None = None,
    ) -> None:
        super().__init__(loop=loop)
        #: The call to be written; None once that has begun.
        self._call = call
        self._name = name
        self._group: HandleGroup[T] | None = None
        self._slot = 0
        self._outcome: Outcome[T] | None = None
        self._settlement: _Settlement | None = None
        self._follower: asyncio.Task[Any] | None = None
        self._follower_future: _FollowerFuture | None = None
        self._cancel_requested = self._watched = False
        self._cancel_message: Any = None
        self._close_error: BaseException | None = None

    @property
    def has_outcome(self) -> bool:
        """Whether the outcome has come; a handle can be done without, by an error of Redis."""
        return self._outcome is not None

    @property
    def id(self) -> str:
        """The job's id, `<batch>:<slot>`; raises InvalidStateError until it is submitted."""
        if self._group is None:
            raise asyncio.InvalidStateError("this job is not submitted yet, so it has no id")
        return self._group.job_id(self._slot)

    @property
    def slot(self) -> int:
        """The job's index in its batch; 0 until it is submitted."""
        return self._slot

    async def outcome(self) -> Outcome[T]:
        """Wait for the outcome and return it; being cancelled here cancels nothing there.

        Raises no error of the job's: that is in the outcome. Raises RedisUnavailable,
        BatchNotFound or ProducerClosed where the outcome cannot come, and CancelledError for a job
        that was cancelled before it was written.
        """
        if not self.done():
            await asyncio.wait([self])
        if self._outcome is None and self._close_error is not None:
            raise self._close_error
        if self._outcome is None and self._group is not None and self.cancelled():
            self._outcome = await self._group.read(self._slot)
        if self._outcome is None:
            self.result()  # raises: Redis was away, or the job was cancelled before it was written
            raise asyncio.InvalidStateError("no outcome")
        return self._outcome

    def get_name(self) -> str:
        """Return the name it was given, or else the job's id."""
        return self._name or (self.id if self._group else "not submitted")

    def set_name(self, value: object, /) -> None:
        """Name it, for `get_name()` and `repr()`; the worker does not see it."""
        self._name = str(value)

    def cancel(self, msg: Any = None) -> bool:
        """Ask for the job's cancellation, as `Task.cancel()`; False if its outcome is here.

        It is done when the job's outcome has come: a job that ended before keeps its outcome.
        Asked again before that it sends nothing more. Who awaits it gets `CancelledError(msg)`,
        with the message of the first who asked.
        """
        if super().done() or self._settlement is not None or self.get_loop().is_closed():
            return False
        detached = self._group is not None and self._group.detached
        if detached or self._call is not None:
            self._settle((_cancel_future, msg))
        elif not self._cancel_requested:
            self._cancel_requested, self._cancel_message = True, msg
            if self._group is not None:
                self._group.cancel_soon(self._slot)
            # else the call is being written, and `place` sends the cancellation
        return True

    def set_result(self, result: T, /) -> None:
        """Raise RuntimeError, as a Task does: the result is the job's."""
        raise RuntimeError("Handle does not support set_result operation")

    def set_exception(self, exception: type | BaseException, /) -> None:
        """Raise RuntimeError, as a Task does: the error is the job's."""
        raise RuntimeError("Handle does not support set_exception operation")

    def done(self) -> bool:
        """Tell whether the outcome has come here."""
        self._watch()
        return super().done()

    def add_done_callback(
        self, fn: Callable[["Handle[T]"], object], /, *, context: Context | None = None
    ) -> None:
        """Call `fn` with this handle when the outcome has come; every `await` does it."""
        self._watch()
        # None would stand for the context of the task that settles the handle.
        super().add_done_callback(fn, context=copy_context() if context is None else context)

    def _settle(self, settlement: _Settlement) -> None:
        """Settle once; with a follower its future first, and the handle after that task."""
        if self._settlement is not None:
            return
        self._settlement = settlement
        end, argument = settlement
        if self._follower is None or self._follower_future is None or self._follower.done():
            end(self, argument)
        else:
            end(self._follower_future, argument)

    def _follower_done(self, _: "asyncio.Task[Any]") -> None:
        if self._settlement is None:
            return
        self._follower = self._follower_future = None  # not kept as long as the handle is
        if not super().done():
            end, argument = self._settlement
            end(self, argument)

    def _watch(self) -> None:
        """Let the group watch its batch, or `place` do it once the call is written."""
        self._watched = True
        if self._group is not None and not super().done():
            self._group.watch()

    def __repr__(self) -> str:
        state = "pending"
        if super().done():
            state = self._outcome.status if self._outcome else "done"
        name = f" name={self._name!r}" if self._name else ""
        return f"<Handle {self.id if self._group else 'not submitted'}{name} {state}>"


class _FollowerFuture(asyncio.Future[Any]):
    """The future that a follower awaits; cancelling it cancels the job."""

    __slots__ = ("_handle",)

    def __init__(self, handle: Handle[Any], *, loop: asyncio.AbstractEventLoop) -> None:
        super().__init__(loop=loop)
        self._handle = handle

    def cancel(self, msg: Any = None) -> bool:
        return self._handle.cancel(msg)


def follow(
    handle: Handle[Any],
    group: asyncio.TaskGroup,
    callback_context: Context,
    *,
    name: str | None,
    context: Context | None,
) -> None:
    """Let a task of an `asyncio.TaskGroup` follow a handle, and be done before it.

    As with a member that is a task itself: the group hears of a failure before the body that
    awaits the member, and cancels it. `name` and `context` are those of the task; its callback
    runs no code of users, so that all members can share `callback_context`.
    """
    handle._follower_future = future = _FollowerFuture(handle, loop=handle.get_loop())
    work = _await(future)
    try:
        handle._follower = group.create_task(work, name=name, context=context)
    except BaseException:
        work.close()
        handle._follower_future = None
        raise
    handle._follower.add_done_callback(handle._follower_done, context=callback_context)
    handle._watch()


def is_dropped(handle: Handle[Any]) -> bool:
    """Tell whether a job was cancelled before it was written, and need not be."""
    follower = handle._follower
    if handle._settlement is None and follower is not None and follower.cancelling():
        handle._settle((_cancel_future, None))
    return handle._settlement is not None


def take_call(handle: Handle[T]) -> Call[T]:
    """Return the call of a handle, to be written now."""
    assert handle._call is not None
    call, handle._call = handle._call, None
    return call


def place(handle: Handle[T], group: "HandleGroup[T]", slot: int) -> None:
    """Give a handle its group and slot, once the job is written."""
    handle._group, handle._slot = group, slot
    if handle._cancel_requested:
        group.cancel_soon(slot)
    elif handle._watched:
        group.watch()


def raise_if_unwritten(handle: Handle[Any]) -> None:
    """Raise the error that kept a job from being written."""
    if handle._group is None:
        handle.result()


def settle(handle: Handle[T], outcome: Outcome[T]) -> None:
    """Give a handle the outcome of its job."""
    handle._outcome = outcome
    match outcome:
        case Succeeded(value):
            handle._settle((asyncio.Future.set_result, value))
        case Cancelled():
            message = handle._cancel_message
            if message is None:
                message = f"job {outcome.job_id} was cancelled by its {outcome.by}"
            handle._settle((_cancel_future, message))
        case _:
            handle._settle((_fail_future, exception_of(outcome)))


def lift_cancellation(handle: Handle[Any]) -> None:
    """Forget a cancellation that a redrive has lifted, so that the next one is sent again."""
    handle._cancel_requested, handle._cancel_message = False, None


def fail(handle: Handle[Any], error: BaseException) -> None:
    """End a handle with an error that nobody has to retrieve; the job keeps its own outcome."""
    handle._settle((_fail_future, error))


def close(handle: Handle[Any], error: BaseException) -> None:
    """End a handle of a closed producer: cancelled, if that was asked for, else with `error`."""
    if handle._settlement is None:
        handle._close_error = error
        if handle._cancel_requested:
            handle._settle((_cancel_future, handle._cancel_message))
        else:
            handle._settle((_fail_future, error))


async def _await(future: "asyncio.Future[T]") -> T:
    return await future


#: Of the base class: a handle's own methods ask for the job's cancellation, or refuse.
_cancel_future: Callable[[asyncio.Future[Any], Any], object] = asyncio.Future.cancel


def _fail_future(future: asyncio.Future[Any], error: BaseException) -> None:
    asyncio.Future.set_exception(future, error)
    future.exception()  # retrieved: the worker has logged it
