"""The name of a worker, by which Redis knows its claims."""

import os
import secrets
import socket


def new_worker_name() -> str:
    """Return a name for a worker that this process runs or starts: host, pid, and a random part.

    No two workers may ever share one, for each would take the claims of the other for its own. Host
    and pid alone do not tell them apart: a process may run many, and containers may have the same.
    """
    return f"{socket.gethostname()}.{os.getpid()}.{secrets.token_hex(5)}"
