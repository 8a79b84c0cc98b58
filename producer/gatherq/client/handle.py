"""`Handle`: one job on the pool, as the asyncio.Task that a local call would be."""

import asyncio
from collections.abc import Callable, Coroutine
from contextvars import Context, copy_context
from typing import TYPE_CHECKING, Any, TypeVar

from gatherq.contract.outcomes import Cancelled, Outcome, Succeeded, exception_of

if TYPE_CHECKING:
    from gatherq.contract.jobs import Call

    from .handle_group import HandleGroup

T = TypeVar("T")

#: What ends a future: this one, and that which a task of a group awaits.
_Ending = Callable[[asyncio.Future[Any]], object]


class Handle(asyncio.Future[T]):
    """A job that was submitted, awaited as often as you like.

    It is an `asyncio.Future`, so all that takes one takes it: `wait_for`, `wait`, `gather`,
    `as_completed`, `shield`, `timeout`. As with a Task, cancelling it, or who awaits it, cancels
    the job, and the awaiting goes on when the job has ended. `done()`, `result()`, `exception()`
    and `cancelled()` tell what has arrived here; the first look begins to watch, and none of them
    asks Redis. Its result is final: if Redis was away for too long, attach to the batch again.
    """

    def __init__(
        self,
        call: "Call[T] | None" = None,
        *,
        name: str | None = None,
        loop: asyncio.AbstractEventLoop | None = None,
    ) -> None:
        super().__init__(loop=loop)
        #: What is to be written; None once that has begun.
        self._call = call
        self._name = name
        self._feed: HandleGroup[T] | None = None
        self._slot = 0
        self._outcome: Outcome[T] | None = None
        self._ending: _Ending | None = None
        self._follower: asyncio.Task[Any] | None = None
        self._ahead: _Ahead | None = None
        self._asked = self._looked = False
        self._message: Any = None
        self._closed: BaseException | None = None

    @property
    def has_outcome(self) -> bool:
        """Whether the outcome has come; a handle can be done without, by an error of Redis."""
        return self._outcome is not None

    @property
    def id(self) -> str:
        """The job's id, `<batch>:<slot>`; raises InvalidStateError until it is submitted."""
        if self._feed is None:
            raise asyncio.InvalidStateError("this job is not submitted yet, so it has no id")
        return self._feed.job_id(self._slot)

    @property
    def slot(self) -> int:
        """The job's index in its batch."""
        return self._slot

    async def outcome(self) -> Outcome[T]:
        """Wait for the outcome and return it; being cancelled here cancels nothing there."""
        if not self.done():
            await asyncio.wait([self])
        if self._outcome is None and self._closed is not None:
            raise self._closed
        if self._outcome is None and self._feed is not None and self.cancelled():
            self._outcome = await self._feed.read(self._slot)
        if self._outcome is None:
            self.result()  # raises: Redis was away, or the job was cancelled before it was written
            raise asyncio.InvalidStateError("no outcome")
        return self._outcome

    def get_name(self) -> str:
        """Return the name it was given, or else the job's id."""
        return self._name or (self.id if self._feed else "not submitted")

    def set_name(self, value: object, /) -> None:
        """Name it, for `get_name()` and `repr()`; the worker does not see it."""
        self._name = str(value)

    def cancel(self, msg: Any = None) -> bool:
        """Ask for the job's cancellation, as `Task.cancel()`; False if its outcome is here.

        It is done when the job's outcome has come: a job that ended before keeps its outcome.
        Asked again before that it sends nothing more. Who awaits it gets `CancelledError(msg)`,
        with the message of the first who asked.
        """
        if super().done() or self._ending is not None or self.get_loop().is_closed():
            return False
        detached = self._feed is not None and self._feed.detached
        if detached or self._call is not None:
            self._end(_cancelled(msg))
        elif not self._asked:
            self._asked, self._message = True, msg
            if self._feed is not None:
                self._feed.cancel_soon(self._slot)
            # else it is being written: cancelled as soon as that is done
        return True

    def set_result(self, result: T, /) -> None:
        """Raise RuntimeError, as a Task does: the result is the job's."""
        raise RuntimeError("Handle does not support set_result operation")

    def set_exception(self, exception: type | BaseException, /) -> None:
        """Raise RuntimeError, as a Task does: the error is the job's."""
        raise RuntimeError("Handle does not support set_exception operation")

    def done(self) -> bool:
        """Tell whether the outcome has come here."""
        self._look()
        return super().done()

    def add_done_callback(
        self, fn: Callable[["Handle[T]"], object], /, *, context: Context | None = None
    ) -> None:
        """Call `fn` with this handle when the outcome has come; every `await` does it."""
        self._look()
        # None would be the context of whoever settles it.
        super().add_done_callback(fn, context=copy_context() if context is None else context)

    def followed(self, create_task: Callable[[Coroutine[Any, Any, T]], asyncio.Task[T]]) -> None:
        """Let a task of a group follow this handle, and be done before it.

        As with a member that is a task itself: the group hears of a failure before the body that
        awaits the member, and cancels it.
        """
        self._ahead = ahead = _Ahead(self, loop=self.get_loop())
        following = _follow(ahead)
        try:
            self._follower = create_task(following)
        except BaseException:
            following.close()
            self._ahead = None
            raise
        self._follower.add_done_callback(self._is_followed)
        self._look()

    def dropped(self) -> bool:
        """Tell whether the job need not be written any more, and is cancelled thereby."""
        if self._ending is None and self._follower is not None and self._follower.cancelling():
            self._end(_cancelled(None))
        return self._ending is not None

    def take(self) -> "Call[T]":
        """Return the call, to be written now."""
        assert self._call is not None
        call, self._call = self._call, None
        return call

    def raise_if_unwritten(self) -> None:
        """Raise what kept the job from being written."""
        if self._feed is None:
            self.result()

    def submitted(self, feed: "HandleGroup[T]", slot: int) -> None:
        """Note where the job stands."""
        self._feed, self._slot = feed, slot
        if self._asked:
            feed.cancel_soon(slot)
        elif self._looked:
            feed.watch()

    def settle(self, outcome: Outcome[T]) -> None:
        """Take over what became of the job."""
        self._outcome = outcome
        match outcome:
            case Succeeded(value):
                self._end(lambda future: asyncio.Future.set_result(future, value))
            case Cancelled():
                told = f"job {outcome.job_id} was cancelled by its {outcome.by}"
                self._end(_cancelled(told if self._message is None else self._message))
            case _:
                self._end(_failed(exception_of(outcome)))

    def redriven(self) -> None:
        """Note that a cancellation was lifted: the next is asked for again."""
        self._asked, self._message = False, None

    def fail(self, error: BaseException) -> None:
        """End with an error, which nobody needs to retrieve: an outcome stands in Redis."""
        self._end(_failed(error))

    def close(self, error: BaseException) -> None:
        """End for want of its producer: cancelled, if that was asked for, else with the error."""
        if self._ending is None:
            self._closed = error
            self._end(_cancelled(self._message) if self._asked else _failed(error))

    def _end(self, ending: "_Ending") -> None:
        """End once: a task that follows first, and this when that has ended."""
        if self._ending is not None:
            return
        self._ending = ending
        if self._follower is None or self._ahead is None or self._follower.done():
            ending(self)
        else:
            ending(self._ahead)

    def _is_followed(self, _: "asyncio.Task[Any]") -> None:
        if self._ending is not None and not super().done():
            self._ending(self)

    def _look(self) -> None:
        self._looked = True
        if self._feed is not None and not super().done():
            self._feed.watch()

    def __repr__(self) -> str:
        state = "pending"
        if super().done():
            state = self._outcome.status if self._outcome else "done"
        named = f" name={self._name!r}" if self._name else ""
        return f"<Handle {self.id if self._feed else 'not submitted'}{named} {state}>"


class _Ahead(asyncio.Future[Any]):
    """What the following task awaits; cancelling that cancels the job."""

    def __init__(self, handle: Handle[Any], *, loop: asyncio.AbstractEventLoop) -> None:
        super().__init__(loop=loop)
        self._handle = handle

    def cancel(self, msg: Any = None) -> bool:
        return self._handle.cancel(msg)


async def _follow(ahead: "asyncio.Future[T]") -> T:
    return await ahead


def _cancelled(msg: Any) -> _Ending:
    return lambda future: asyncio.Future.cancel(future, msg)


def _failed(error: BaseException) -> _Ending:
    def end(future: asyncio.Future[Any]) -> None:
        asyncio.Future.set_exception(future, error)
        future.exception()  # retrieved: the worker has logged it

    return end
