"""Processes and what they used: Linux, by /proc."""

import contextlib
import os
import signal
import subprocess
import time
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path

_TICKS = os.sysconf("SC_CLK_TCK")
#: Seconds between asking a process to end and ending it.
PATIENCE = 0.5


def tree(*roots: int) -> list[int]:
    """Return these processes and all that descend from them."""
    children: dict[int, list[int]] = defaultdict(list)
    for folder in Path("/proc").iterdir():
        if folder.name.isdigit() and (fields := _fields(int(folder.name))):
            children[int(fields[1])].append(int(folder.name))
    found = list(roots)
    for pid in found:
        found += children[pid]
    return found


def cpu_seconds(*roots: int) -> float:
    """Return what these, their descendants and those that have ended used of the processors."""
    rows = [fields for pid in tree(*roots) if (fields := _fields(pid))]
    return sum(int(ticks) for fields in rows for ticks in fields[11:15]) / _TICKS


def peak_mib(*roots: int) -> float:
    """Return the sum of the highest resident memory of these and their descendants."""
    return sum(_kib(pid, "VmHWM") for pid in tree(*roots)) / 1024


def resident_mib(*roots: int) -> float:
    """Return the sum of the resident memory of these and their descendants."""
    return sum(_kib(pid, "VmRSS") for pid in tree(*roots)) / 1024


@contextlib.contextmanager
def paused(*roots: int) -> Iterator[None]:
    """Stop these and their descendants for the time of a block."""
    stopped = tree(*roots)
    for pid in stopped:
        os.kill(pid, signal.SIGSTOP)
    try:
        yield
    finally:
        for pid in stopped:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGCONT)


def _fields(pid: int) -> list[str]:
    try:
        text = Path(f"/proc/{pid}/stat").read_text()
    except OSError:
        return []
    return text.rpartition(") ")[2].split()


def _kib(pid: int, field: str) -> int:
    try:
        lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    except OSError:
        return 0
    return next((int(line.split()[1]) for line in lines if line.startswith(field)), 0)


def end(*processes: "subprocess.Popen[str]") -> None:
    """End processes, each the head of a session, and all that they have started."""
    known = tree(*(process.pid for process in processes))
    for process in processes:
        _signal_group(process.pid, signal.SIGTERM)
    deadline = time.monotonic() + PATIENCE
    for process in processes:
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(max(0.1, deadline - time.monotonic()))
    for process in processes:
        _signal_group(process.pid, signal.SIGKILL)
        process.wait()
    for pid in known:  # those that left the group
        if pid not in {process.pid for process in processes} and _alive(pid, known):
            with contextlib.suppress(OSError):
                os.kill(pid, signal.SIGKILL)


def _alive(pid: int, known: list[int]) -> bool:
    """Say whether that process, and no other of the same number, is still there."""
    fields = _fields(pid)
    return bool(fields) and fields[0] != "Z" and int(fields[1]) in {*known, 1}


def _signal_group(pid: int, number: signal.Signals) -> None:
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(pid, number)
