"""The stop of a worker: when it began, how long jobs may finish, and by when all must be over."""

import math
import signal
from time import monotonic

from gatherq_worker.ipc.process_contract import ONE_STOP
from gatherq_worker.ipc.scoreboard import Scoreboard

#: Seconds after the grace by which the last outcome is written and all connections are closed.
_CLOSE = 0.4
#: Seconds that Redis gets at the end where nobody waits for it.
_FAREWELL = 2.0


class Shutdown:
    """One stop of a worker: however many signals ask for it, it is one; a later one hurries it."""

    def __init__(self) -> None:
        #: The signal that asked for the stop last, once one has.
        self.signal: signal.Signals | None = None
        self._began_at: float | None = None
        self._at_once = False

    @property
    def began(self) -> bool:
        """Whether the worker is to stop."""
        return self._began_at is not None

    def reset(self) -> None:
        """Begin anew: the worker runs again. The last signal is remembered."""
        self._began_at, self._at_once = None, False

    def begin(self) -> None:
        """Begin the stop, unless it has begun."""
        self._began_at = self._began_at or monotonic()

    def hurry(self) -> None:
        """Leave running jobs no time to finish."""
        self._at_once = True

    def request(self, signum: signal.Signals, scoreboard: Scoreboard | None) -> bool:
        """Take a signal; return whether it begins the stop, or hurries it.

        A supervisor knows whether a further signal means `at once`, and says so on the scoreboard;
        without one, a signal means that if it comes a second after the first.
        """
        if self._began_at is None:
            self.begin()
        elif self._at_once or not (
            scoreboard.hurry if scoreboard else monotonic() - self._began_at >= ONE_STOP
        ):
            return False
        else:
            self.hurry()
        self.signal = signum
        return True

    def times(self, grace: float) -> tuple[float, float]:
        """Return until when jobs may finish, and by when all must be over (`time.monotonic()`)."""
        now = monotonic()
        if self._at_once:
            return now, now + _CLOSE
        if self._began_at is None:  # nobody waits: outcomes are written, however long it takes
            return now + grace, math.inf
        return self._began_at + grace, self._began_at + grace + _CLOSE

    def end(self, grace: float) -> float:
        """Return by when the last commands must have reached Redis (`time.monotonic()`)."""
        return self.times(grace)[1] if self.began else monotonic() + _FAREWELL
