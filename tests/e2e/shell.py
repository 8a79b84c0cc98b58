"""The command `gatherq` as a person meets it in a terminal, and as a script does in a pipe."""

import json
import os
import pty
import re
import subprocess
import sys
from dataclasses import dataclass

_CODES = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]")


@dataclass
class Said:
    """What a command printed, and its exit code."""

    code: int
    out: str
    err: str = ""

    @property
    def lines(self):
        """The lines of its output."""
        return self.out.splitlines()

    @property
    def rows(self):
        """The fields of each line in a pipe."""
        return [line.split("\t") for line in self.lines]

    @property
    def json(self):
        """Its output as one document."""
        return json.loads(self.out)

    @property
    def jsonl(self):
        """Its output as a document a line."""
        return [json.loads(line) for line in self.lines]


class Shell:
    """Runs commands against one server and queue."""

    def __init__(self, url, queue):
        self.url = url
        self.env = {**os.environ, "GATHERQ_REDIS_URL": url, "GATHERQ_QUEUE": queue}
        self.env["PYTHONIOENCODING"] = "utf-8"

    def start(self, *words, **options):
        """Start a command; its output comes through pipes unless something else is said."""
        command = [sys.executable, "-m", "gatherq_worker", *words]
        options = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "env": self.env, **options}
        return subprocess.Popen(command, text=True, **options)

    def pipe(self, *words, **env):
        """Run a command with its output in a pipe."""
        with self.start(*words, env={**self.env, **env}) as process:
            out, err = process.communicate(timeout=60)
        return Said(process.returncode, out, err)

    def terminal(self, *words, columns=100, raw=False, **env):
        """Run a command in a terminal; without `raw` colors and other codes are left out."""
        ours, theirs = pty.openpty()
        env = {**self.env, "COLUMNS": str(columns), "TERM": "xterm-256color", **env}
        with self.start(*words, stdin=theirs, stdout=theirs, stderr=theirs, env=env) as process:
            os.close(theirs)
            out = _all_of(ours)
        os.close(ours)
        text = out.decode(errors="replace").replace("\r\n", "\n")
        return Said(process.wait(60), text if raw else _CODES.sub("", text))


def _all_of(terminal):
    out = b""
    while True:
        try:
            part = os.read(terminal, 65536)
        except OSError:  # nobody has the other end any more
            return out
        if not part:
            return out
        out += part
