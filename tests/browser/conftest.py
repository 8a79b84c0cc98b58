"""A real browser, without a window. `make browser` runs these tests; `make test` does where it can.

The browser is that of the system: the package of playwright brings none.
"""

import json
import os
import shutil
import subprocess
import sys
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path

import pytest

from gatherq.inspection.report.page import page_of
from gatherq.testing.server import embedded_server

from ..conftest import started

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser")
#: Set by `make browser`: then a missing browser is a failure, and nothing is left out.
WANTED = "GATHERQ_BROWSER" in os.environ

if not WANTED and not (CHROMIUM and find_spec("axe_playwright_python")):
    collect_ignore_glob = ["test_*.py"]


@pytest.fixture(scope="module")
def chromium():
    from playwright.sync_api import sync_playwright

    assert CHROMIUM, "no chromium is here: apt-get install chromium"
    # Without its sandbox, which a container does not let it have: it opens our own files alone.
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        yield browser
        browser.close()


class Sheet:
    """A page that is open, with all that it asked for and complained about."""

    def __init__(self, page, file):
        self.page, self.requests, self.complaints = page, [], []
        page.on("request", lambda request: self.requests.append(request.url))
        page.on("console", lambda message: self.complaints.append(message.text))
        page.on("pageerror", lambda error: self.complaints.append(str(error)))
        self.url = file.as_uri()
        page.goto(self.url)
        page.wait_for_selector("[data-drawn]", timeout=60_000)

    @property
    def detail(self):
        return self.page.inner_text("#detail")

    def cell(self, slot, size=22):
        """Return the middle of the cell of a slot in the first row."""
        return {"x": slot * size + size / 2 - 1, "y": size / 2 - 1}

    def pixel(self, canvas, x, y):
        """Return the color of a pixel of a canvas."""
        read = """([id, x, y]) => {
          const context = document.getElementById(id).getContext("2d");
          return [...context.getImageData(x, y, 1, 1).data];
        }"""
        return self.page.evaluate(read, [canvas, x, y])


@pytest.fixture
def sheet(chromium, tmp_path):
    """Open the page of a report, as a file; options are those of a playwright context."""
    opened = []

    def open_(report, **options):
        file = tmp_path / "report.html"
        file.write_text(page_of(report))
        context = chromium.new_context(**{"viewport": {"width": 1240, "height": 1000}, **options})
        opened.append(context)
        return Sheet(context.new_page(), file)

    yield open_
    for context in opened:
        context.close()


@pytest.fixture(scope="module")
def pool():
    """A pool with something of everything: `world.World`."""
    from .world import world

    with embedded_server() as (url, _), world(url) as made:
        yield made


@contextmanager
def served(url, prefix="", **options):
    """Serve the page by a process of its own, and yield its address."""
    words = [str(Path(__file__).parent / "serve.py"), url, prefix, json.dumps(options)]
    with started([sys.executable, *words], stdout=subprocess.PIPE, text=True) as process:
        try:
            yield process.stdout.readline().strip()
        finally:
            process.terminate()


@pytest.fixture(scope="module", params=["", "/ops/jobs"], ids=["root", "prefix"])
def site(request, pool):
    """The address of the page of that pool: at the root, and mounted under a prefix."""
    with served(pool.url, request.param) as address:
        yield address


@pytest.fixture
def visit(chromium, site):
    """Open pages of the site; options are those of a playwright context.

    At the end of a test none of them has asked for anything of elsewhere, or complained.
    """
    from .visit import Visit

    opened = []

    def open_(path="/", *, at=site, **options):
        size = {"viewport": {"width": 1280, "height": 900}}
        context = chromium.new_context(**{**size, **options})
        context.set_default_timeout(20_000)
        opened.append((context, Visit(context.new_page(), at, path)))
        return opened[-1][1]

    yield open_
    for context, each in opened:
        assert each.elsewhere() == []
        assert each.complaints == []
        context.close()
