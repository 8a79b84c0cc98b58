"""The processor for structlog."""

from contextvars import copy_context

from gatherq.contract.current_job import CurrentJob, set_current
from gatherq_worker.telemetry.logs import add_job


def test_a_line_says_its_job_and_what_it_says_itself_stays():
    def lines():
        outside = add_job(None, "info", {"event": "x"})
        set_current(CurrentJob("b:7", "b", 7, "chop", 2, None, None, worker="w"))
        return outside, add_job(None, "info", {"event": "x", "job": "mine"})

    outside, inside = copy_context().run(lines)
    assert outside == {"event": "x"}
    fields = {"job_id": "b:7", "batch": "b", "slot": 7, "attempt": 2, "worker": "w"}
    assert inside == {"event": "x", "job": "mine", **fields}
