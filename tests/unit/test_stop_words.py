"""What is said of a stop."""

import signal

import pytest

from gatherq_worker import stop_words

INT, TERM = signal.SIGINT, signal.SIGTERM


@pytest.mark.parametrize(
    ("said", "text"),
    [
        (
            stop_words.stopping(INT, 10, 3),
            "stopping: waits up to 10 s for 3 running jobs; press Ctrl-C again to stop at once",
        ),
        (
            stop_words.stopping(TERM, 0.5, 1),
            "stopping: waits up to 0.5 s for 1 running job; send the signal again to stop at once",
        ),
        (stop_words.stopping(INT, 10, 0), "stopping: no job is running"),
        (
            stop_words.too_soon(INT),
            "that was within a second of the first: press Ctrl-C once more to stop at once",
        ),
        (stop_words.at_once(3), "stopping at once: interrupts 3 running jobs"),
        (stop_words.at_once(0), "stopping at once"),
        (stop_words.stopped(1, 0), "stopped: 1 job succeeded, 0 did not"),
        (stop_words.stopped(1200, 3), "stopped: 1,200 jobs succeeded, 3 did not"),
    ],
)
def test_it_says_what_happens_and_what_else_one_can_do(said, text):
    assert said == text
