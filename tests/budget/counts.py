"""What is counted: requests and replies, commands within scripts, calls of Python functions."""

import re
import sys
from collections import Counter
from pathlib import Path

import gatherq
import gatherq_worker
from gatherq.store.script import scripts

from .rounds import Control, side

_HERE = str(Path(__file__).parent)
_OURS = tuple(str(Path(package.__file__).parent) for package in (gatherq, gatherq_worker))
_STEPS = {script.digest.encode(): script.name for script in scripts()}
#: Which of the worker's requests are about what. All others, as arq's health key, are "upkeep".
_CLAIMING = ("job/claim_jobs", "job/look_for_jobs", "job/park_claims", "job/tend_lanes", "BLPOP")
_KINDS = dict.fromkeys(_CLAIMING, "claims")
_KINDS |= dict.fromkeys(("job/record_outcomes", "job/release_claims"), "records")
_KINDS |= dict.fromkeys(("batch/extend", "batch/sweep"), "records")
#: A line of MONITOR: the address of a client, or "lua"; a command; a first argument.
_LINE = re.compile(rb'[\d.]+ \[\d+ ([^\]]+)\] "([^"]*)"(?: "([^"]*)")?')


class Counts:
    """Counts by who and what, as ("producer", "commands"), of what is done between two calls."""

    def __init__(self, host, port):
        self._found = Counter()
        self._monitor, self._control = Control(host, port), Control(host, port)
        self._monitor.ask("MONITOR")
        #: Who a connection belongs to, by its address.
        self._owners = {}
        #: By side and code.
        self._calls = Counter()
        #: For who looks for a cause: commands by name, commands within a step, calls of functions.
        self.requests, self.within, self.functions = Counter(), Counter(), Counter()

    def begin(self):
        """Forget what was counted until now."""
        self._read_monitor()
        for each in (self._found, self._calls, self.requests, self.within):
            each.clear()
        sys.setprofile(self._profile)

    def end(self):
        """Return what was counted."""
        sys.setprofile(None)
        self._count_calls()
        for address, request, within in self._read_monitor():
            if address in self._owners:
                kind = _kind(self._owners[address], request)
                if within:
                    self._found[kind, "script_commands"] += len(within)
                self.within.update((request, each) for each in within)
        return self._found

    def request(self, address, owner, commands, size):
        """Count a request; return what it is counted as."""
        self._owners[address] = owner
        names = [_name(command[0], command[1:2]) for command in commands]
        kind = _kind(owner, names[0])
        self._found[kind, "commands"] += len(commands)
        self._found[kind, "round_trips"] += 1
        self._found[kind, "bytes_sent"] += size
        self.requests.update(names)
        return kind

    def reply(self, kind, size):
        """Count a reply."""
        self._found[kind, "bytes_received"] += size

    def _read_monitor(self):
        """Return (address, request, commands within it) of all requests until now."""
        self._control.ask("ECHO", "until now")
        found = []
        while b'"ECHO" "until now"' not in (line := self._monitor.read()):
            address, command, argument = _LINE.match(line).groups(b"")
            if address == b"lua":
                found[-1][2].append(command.decode().upper())
            else:
                found.append((address, _name(command, [argument]), []))
        return found

    def _profile(self, frame, event, argument):
        if event == "call":
            self._calls[side.get(), frame.f_code] += 1

    def _count_calls(self):
        for (owner, code), n in self._calls.items():
            file = code.co_filename
            if owner and not file.startswith(_HERE):
                what = "calls" if file.startswith(_OURS) else "calls_of_others"
                self._found[owner, what] += n
                self.functions[owner, f"{file}:{code.co_qualname}"] += n


def _name(command, arguments):
    """Return the name of a step, or of a command."""
    name = command.decode().upper()
    return _STEPS.get(arguments[0], name) if name in ("EVALSHA", "EVAL") else name


def _kind(owner, request):
    return _KINDS.get(request, "upkeep") if owner == "worker" else owner
