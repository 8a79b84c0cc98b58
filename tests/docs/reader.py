"""Runs the Python of a page as its reader would, block after block, in one namespace.

Names that a page has from nowhere: `producer`, an open one, and the fixture `start_worker`, for a
page with several queues. All others a page makes itself, where need be in a block that only readers
of its source see:

    <!--- invisible-code-block: python
    calls = [chop.call("leek", 0.1)]
    --->

A block that cannot run has a line `<!-- skip: next "why" -->` before it.
"""

import asyncio
import importlib
import os
import re
import subprocess
import sys
from ast import PyCF_ALLOW_TOP_LEVEL_AWAIT
from contextlib import suppress
from inspect import CO_COROUTINE
from unittest import SkipTest

from sybil import Document
from sybil.evaluators.python import pad
from sybil.parsers.markdown import CodeBlockParser, SkipParser

#: Where pages say that the server is.
LOCALHOST = "redis://localhost:6379"
#: Seconds after which a program or a block has hung.
HUNG = 60
#: The first line of a block that is a file: a comment, or a notebook's magic.
_FILE = re.compile(r"(?:# |%%writefile )((?:\w+/)*\w+\.(?:py|toml))\b.*\n")
_LANGUAGES = ("python", "ipython", "toml")
_PROGRAM = re.compile(r"^(if __name__ == .__main__.:|asyncio\.run\()", re.MULTILINE)
_GUARD = "if __name__ =="


class Reader:
    """Follows pages: keeps the files that they declare, and workers for the jobs in them."""

    def __init__(self, folder, runner, namespace, start_worker, server_url):
        self.folder, self.runner = folder, runner
        self.namespace, self.server_url = namespace, server_url
        self._start_worker = start_worker
        self._without_worker = []

    def read(self, path):
        """Run all blocks of a page; return how many there are, those that are skipped included."""
        parsers = [CodeBlockParser(language, self._run) for language in _LANGUAGES]
        blocks = list(Document.parse(str(path), *parsers, SkipParser()))
        for block in blocks:
            with suppress(SkipTest):
                block.evaluate()
        return len(blocks)

    def _run(self, block):
        text = block.parsed.replace(LOCALHOST, self.server_url)
        if declared := _FILE.match(text):
            self._keep(declared[1], text[declared.end() :])
        elif block.region.lexemes["arguments"] != "toml":
            self._execute(text, block)

    def _keep(self, name, text):
        """Write a file; a module is imported, a program is run, tests are tried."""
        path = self.folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
        importlib.invalidate_caches()
        if path.name.startswith("test_"):
            self._command("-m", "pytest", "-q", "-p", "no:cacheprovider", name)
        elif path.suffix == ".py" and path.name != "conftest.py":
            self._module_or_program(name, text)

    def _module_or_program(self, name, text):
        program = _PROGRAM.search(text)
        if not program or _GUARD in text:
            module = name.removesuffix(".py").replace("/", ".")
            self._import(module)
            if "@job" in text:
                self._without_worker.append(module)
        if program:
            self._serve()
            self._command(name)

    def _import(self, module):
        sys.modules.pop(module, None)
        found = vars(importlib.import_module(module))
        self.namespace |= {name: found[name] for name in found if not name.startswith("_")}

    def _command(self, *arguments):
        done = subprocess.run(
            [sys.executable, *arguments],
            cwd=self.folder,
            env=os.environ,
            capture_output=True,
            text=True,
            timeout=HUNG,
            check=False,
        )
        assert done.returncode == 0, f"{arguments} ended with\n{done.stdout}\n{done.stderr}"

    def _execute(self, text, block):
        """Run a block here; where it awaits, in the loop of its page."""
        self._serve()
        source = pad(text, block.line + block.parsed.line_offset)
        code = compile(source, block.path, "exec", PyCF_ALLOW_TOP_LEVEL_AWAIT, dont_inherit=True)
        made = eval(code, self.namespace)
        if code.co_flags & CO_COROUTINE:
            self.runner.run(asyncio.wait_for(made, HUNG))

    def _serve(self):
        """Start a worker for the jobs that have none yet."""
        if self._without_worker:
            first, *others = self._without_worker
            self._start_worker(*others, module=first, cwd=self.folder)
            self._without_worker = []
