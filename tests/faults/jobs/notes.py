"""What handlers write into the ledger."""

import os
from pathlib import Path

#: Where a handler finds its ledger.
VARIABLE = "FAULTS_LEDGER"


def note(what: str, id_: str, attempt: int) -> None:
    """Append a line, whole or not at all, from whatever process and thread a handler runs in."""
    line = f"{what} {id_} {attempt} {os.getpid()} {os.getppid()} {monotonic():.6f}\n"
    descriptor = os.open(os.environ[VARIABLE], os.O_APPEND | os.O_WRONLY | os.O_CREAT)
    try:
        os.write(descriptor, line.encode())
    finally:
        os.close(descriptor)


def monotonic() -> float:
    """Return seconds since the machine has started, also where the time of day is a false one."""
    return float(Path("/proc/uptime").read_text().split()[0])
