"""What a worker process says of its server, in a pipe that outlives it."""

import os
import subprocess
import sys
import time

import pytest

from gatherq_worker.ipc.endpoint import Endpoint, EndpointReader, EndpointWriter

HERE = Endpoint("redis://:hunter2@h:1/0", "q", 5.0)


@pytest.fixture
def reader():
    reader = EndpointReader()
    yield reader
    reader.close()


@pytest.mark.parametrize(
    "said", [HERE, Endpoint(None, "é\n", 0.5), Endpoint(f"unix:///{'x' * 30_000}", "q" * 9000, 1.0)]
)
def test_it_is_read_after_the_process_is_dead(reader, said):
    child = os.fork()
    if not child:
        EndpointWriter(reader.writer_fd).tell(said)
        os._exit(0)
    reader.close_writer()
    os.waitpid(child, 0)
    assert reader.endpoint == said
    assert reader.endpoint == said, "it is kept"


def test_there_is_none_before_it_is_said_or_where_it_was_not_said_whole(reader):
    assert reader.endpoint is None
    os.write(reader.writer_fd, b'["redis://h"')
    assert reader.endpoint is None
    reader.close_writer()
    assert reader.endpoint is None
    reader.close()
    reader.close()
    assert reader.endpoint is None


def test_more_than_a_pipe_holds_waits_for_its_reader(reader):
    long = Endpoint("redis://h", "q" * 1_000_000, 5.0)
    child = os.fork()
    if not child:
        EndpointWriter(reader.writer_fd).tell(long)
        os._exit(0)
    reader.close_writer()
    ends = time.monotonic() + 10
    while reader.endpoint is None and time.monotonic() < ends:
        os.sched_yield()
    assert reader.endpoint == long
    os.waitpid(child, 0)


def test_it_is_said_once_and_without_a_supervisor_too(reader):
    writer = EndpointWriter(reader.writer_fd)
    writer.tell(HERE)
    reader.writer_fd = -1  # closed by the writer
    writer.tell(Endpoint(None, "other", 1.0))
    assert reader.endpoint == HERE
    nobody_reads, end = os.pipe()
    os.close(nobody_reads)
    EndpointWriter(end).tell(HERE)


def test_what_a_job_starts_does_not_get_it(reader):
    theirs = os.dup(reader.writer_fd)
    os.set_inheritable(theirs, True)
    writer = EndpointWriter(theirs)
    listed = subprocess.run(
        [sys.executable, "-c", "import os; print(*os.listdir('/proc/self/fd'))"],
        close_fds=False,
        capture_output=True,
        text=True,
        check=True,
    ).stdout.split()
    writer.tell(HERE)
    assert str(theirs) not in listed


def test_it_is_shown_without_its_url():
    assert "hunter2" not in f"{HERE!r} {HERE}"
