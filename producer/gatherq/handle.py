"""`Handle`: one job on the pool, as the asyncio.Task that a local call would be."""

import asyncio
from collections.abc import Callable
from contextvars import Context
from typing import TYPE_CHECKING, Any, TypeVar

from .outcomes import Cancelled, Outcome, Succeeded, exception_of

if TYPE_CHECKING:
    from .calls import Call
    from .feed import Feed

T = TypeVar("T")


class Handle(asyncio.Future[T]):
    """A job that was submitted, awaited as often as you like.

    It is an `asyncio.Future`, so all that takes one takes it: `wait_for`, `wait`, `gather`,
    `as_completed`, `shield`, `timeout`. As with a Task, cancelling it, or who awaits it, cancels
    the job, and the awaiting goes on when the job has ended. `done()`, `result()`, `exception()`
    and `cancelled()` tell what has arrived here; the first look begins to watch, and none of them
    asks Redis. Its result is final: if Redis was away for too long, attach to the batch again.
    """

    def __init__(self, call: "Call[T] | None" = None) -> None:
        super().__init__()
        #: What is to be written; None once that has begun.
        self._call = call
        #: A task of ours that awaits this handle: it is not written if that is being cancelled.
        self.follower: asyncio.Task[Any] | None = None
        self._feed: Feed[T] | None = None
        self._slot = 0
        self._outcome: Outcome[T] | None = None
        self._unwanted = self._looked = False

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
        if self._outcome is None and self._feed is not None and self.cancelled():
            self._outcome = await self._feed.read(self._slot)
        if self._outcome is None:
            self.result()  # raises: Redis was away, or the job was cancelled before it was written
            raise asyncio.InvalidStateError("no outcome")
        return self._outcome

    def cancel(self, msg: Any = None) -> bool:
        """Ask for the job's cancellation, as `Task.cancel()`; False if its outcome is here.

        It is done when the job's outcome has come: a job that ended before keeps its outcome.
        """
        if super().done():
            return False
        if self._feed is not None and not self._feed.detached:
            self._feed.cancel_soon(self._slot)
        elif self._feed is not None or self._call is not None:
            return super().cancel(msg)
        self._unwanted = True  # it is being written: cancelled as soon as that is done
        return True

    def done(self) -> bool:
        """Tell whether the outcome has come here."""
        self._look()
        return super().done()

    def add_done_callback(
        self, fn: Callable[["Handle[T]"], object], /, *, context: Context | None = None
    ) -> None:
        """Call `fn` with this handle when the outcome has come; every `await` does it."""
        self._look()
        super().add_done_callback(fn, context=context)

    def dropped(self) -> bool:
        """Tell whether the job need not be written any more, and is cancelled thereby."""
        if not super().done() and self.follower is not None and self.follower.cancelling():
            super().cancel()
        return super().done()

    def take(self) -> "Call[T]":
        """Return the call, to be written now."""
        assert self._call is not None
        call, self._call = self._call, None
        return call

    def raise_if_unwritten(self) -> None:
        """Raise what kept the job from being written."""
        if self._feed is None:
            self.result()

    def submitted(self, feed: "Feed[T]", slot: int) -> None:
        """Note where the job stands."""
        self._feed, self._slot = feed, slot
        if self._unwanted:
            feed.cancel_soon(slot)
        elif self._looked:
            feed.watch()

    def settle(self, outcome: Outcome[T]) -> None:
        """Take over what became of the job."""
        self._outcome = outcome
        if super().done():
            return
        match outcome:
            case Succeeded(value):
                self.set_result(value)
            case Cancelled():
                super().cancel(f"job {outcome.job_id} was cancelled by its {outcome.by}")
            case _:
                self.fail(exception_of(outcome))

    def fail(self, error: BaseException) -> None:
        """End with an error, which nobody needs to retrieve: an outcome stands in Redis."""
        if not super().done():
            self.set_exception(error)
            self.exception()

    def _look(self) -> None:
        self._looked = True
        if self._feed is not None and not super().done():
            self._feed.watch()

    def __repr__(self) -> str:
        state = "pending"
        if super().done():
            state = self._outcome.status if self._outcome else "done"
        return f"<Handle {self.id if self._feed else 'not submitted'} {state}>"
