"""What `gatherq worker`, or `gatherq web`, and a program that owns it tell each other.

The owner holds one end of a socket, and nobody else does: its end of the file means that the worker
is to stop. The worker writes one line: that all its processes take jobs, or why they cannot.
"""

import json

#: Variables of the worker: the descriptor of its end of the socket, and the URL of the server: a
#: command line is read by everybody (`ps`).
OWNER, REDIS = "GATHERQ_OWNER", "GATHERQ_WORKER_REDIS"
#: Variable of a page: the descriptor of the socket that it listens on.
LISTENS = "GATHERQ_WEB_LISTENS"


def report(failure: str) -> bytes:
    """Write the line: why the worker cannot work, or nothing: it is ready."""
    return json.dumps(failure).encode() + b"\n"


def read_report(line: bytes) -> str:
    """Read the failure in a line; empty for a worker that is ready."""
    return str(json.loads(line))
