"""What a worker process says of its server, in a pipe that outlives it."""

import os
import subprocess
import sys
import time

import pytest

from gatherq_worker.ipc.endpoint import Endpoint, EndpointReader, EndpointWriter

HERE = Endpoint("redis://:hunter2@h:1/0", "q", 5.0)


@pytest.fixture
def inbox():
    inbox = EndpointReader()
    yield inbox
    inbox.close()


@pytest.mark.parametrize(
    "said", [HERE, Endpoint(None, "é\n", 0.5), Endpoint(f"unix:///{'x' * 30_000}", "q" * 9000, 1.0)]
)
def test_it_is_read_after_the_process_is_dead(inbox, said):
    child = os.fork()
    if not child:
        EndpointWriter(inbox.theirs).tell(said)
        os._exit(0)
    inbox.given()
    os.waitpid(child, 0)
    assert inbox.endpoint == said
    assert inbox.endpoint == said, "it is kept"


def test_there_is_none_before_it_is_said_or_where_it_was_not_said_whole(inbox):
    assert inbox.endpoint is None
    os.write(inbox.theirs, b'["redis://h"')
    assert inbox.endpoint is None
    inbox.given()
    assert inbox.endpoint is None
    inbox.close()
    inbox.close()
    assert inbox.endpoint is None


def test_more_than_a_pipe_holds_waits_for_its_reader(inbox):
    long = Endpoint("redis://h", "q" * 1_000_000, 5.0)
    child = os.fork()
    if not child:
        EndpointWriter(inbox.theirs).tell(long)
        os._exit(0)
    inbox.given()
    ends = time.monotonic() + 10
    while inbox.endpoint is None and time.monotonic() < ends:
        os.sched_yield()
    assert inbox.endpoint == long
    os.waitpid(child, 0)


def test_it_is_said_once_and_without_a_supervisor_too(inbox):
    outbox = EndpointWriter(inbox.theirs)
    outbox.tell(HERE)
    inbox.theirs = -1  # closed by the outbox
    outbox.tell(Endpoint(None, "other", 1.0))
    assert inbox.endpoint == HERE
    alone = EndpointReader()
    os.close(alone._fd)
    alone._fd = -1
    EndpointWriter(alone.theirs).tell(HERE)


def test_what_a_job_starts_does_not_get_it(inbox):
    theirs = os.dup(inbox.theirs)
    os.set_inheritable(theirs, True)
    outbox = EndpointWriter(theirs)
    listed = subprocess.run(
        [sys.executable, "-c", "import os; print(*os.listdir('/proc/self/fd'))"],
        close_fds=False,
        capture_output=True,
        text=True,
        check=True,
    ).stdout.split()
    outbox.tell(HERE)
    assert str(theirs) not in listed


def test_it_is_shown_without_its_url():
    assert "hunter2" not in f"{HERE!r} {HERE}"
