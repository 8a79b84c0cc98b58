"""What a worker process tells its supervisor."""

from gatherq_worker.ipc.scoreboard import Scoreboard
from gatherq_worker.ipc.worker_status import SIZE, STATES, WorkerStatus

STATUS = WorkerStatus("blocked", 12.5, 1, 2, 3, 4, 5, 6, 7, 8, 9)


def test_what_is_written_is_read():
    for state in STATES:
        told = STATUS._replace(state=state, done=2**63)
        assert WorkerStatus.decode(told.encode()) == told


def test_zeros_are_a_process_that_begins():
    assert WorkerStatus.decode(bytes(SIZE)) == WorkerStatus("starting", contact=0.0)


def test_it_has_a_place_of_its_own_on_the_scoreboard():
    scoreboard = Scoreboard()
    scoreboard.tick()
    scoreboard.counts = (7, 8)
    before = bytes(scoreboard.memory)
    scoreboard.status = STATUS
    assert scoreboard.status == STATUS
    assert scoreboard.counts == (7, 8)
    assert scoreboard.running_job() is None
    scoreboard.status = WorkerStatus()
    assert bytes(scoreboard.memory) == before
    scoreboard.close()
