"""Where a job waits that limits hold back, as slots tell it: `lane:process`, `gate:fetch:"h"`."""

from contextlib import suppress

from gatherq.contract.values import codec

LANE, GATE = "lane:", "gate:"
#: What a gate has in place of an argument that is long.
_DIGEST = "sha1-"
#: Names of a lane of the jobs of one handler begin so.
_OF_A_JOB = "job-"


def in_words(waits_at: str) -> str:
    """Say what a waiting slot waits for."""
    if waits_at.startswith(LANE):
        return lane_in_words(waits_at.removeprefix(LANE))
    if waits_at.startswith(GATE):
        return f"for the gate {waits_at.removeprefix(GATE)}"
    return "behind others of its batch" if waits_at else ""


def lane_in_words(lane: str) -> str:
    """Say what the jobs in a lane wait for."""
    if lane.startswith(_OF_A_JOB):
        return f"for a worker that may run another `{lane.removeprefix(_OF_A_JOB)}`"
    return f"for a free {lane}"


def gate_parts(name: str) -> tuple[str, str]:
    """Return the job that a gate is of, and the argument that it is for: JSON, empty for none.

    Where a job's own name could be read as both, it is.
    """
    at = name.find(":")
    while at >= 0:
        if _is_argument(name[at + 1 :]):
            return name[:at], name[at + 1 :]
        at = name.find(":", at + 1)
    return name, ""


def _is_argument(text: str) -> bool:
    if text.startswith(_DIGEST):
        return True
    with suppress(ValueError, RecursionError):
        codec.from_json(text.encode("utf-8", "surrogatepass"))
        return True
    return False
