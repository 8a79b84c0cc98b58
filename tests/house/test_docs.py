"""Files and modules that the documentation names are there."""

import re
from importlib import import_module

import pytest

from gatherq.telemetry.meter_names import METERS
from gatherq.telemetry.span_names import SPANS

from . import DOCS, REPOSITORY

#: All that is written for people, with the decisions and the changes.
EVERY_PAGE = sorted([*DOCS.rglob("*.md"), *REPOSITORY.glob("*.md")])
#: What says how things are now.
PAGES = sorted(
    [
        *DOCS.glob("*.md"),
        *DOCS.glob("howto/*.md"),
        REPOSITORY / "CONTRIBUTING.md",
        REPOSITORY / "README.md",
    ]
)
_PATH = re.compile(
    r"(?<![\w./*-])((?:[\w.-]+/)*[\w-]+\.(?:py|lua|md|toml|ipynb|yml|yaml))(?![\w*])"
)
_FOLDER = re.compile(r"`((?:[\w.-]+/)+)`")
_LINK = re.compile(r"\]\(([^)\s]+)\)")
_TEST = re.compile(r"`(test_\w+)`")
_FENCED = re.compile(r"^```.*?^```$", re.MULTILINE | re.DOTALL)
_MODULE = re.compile(r"(?<!/)\bgatherq(?:_worker)?(?:\.\w+)+")
#: Names of loggers, and of attributes of spans, look like modules.
NO_MODULES = {"gatherq.worker", *(each for row in SPANS for each in row.attributes)}
NO_MODULES |= {row.name for row in METERS}
_LEFT_OUT = {".venv", ".venv-anyio3", ".venv-peers", ".git", "build", "dist"}


def names(pattern, page):
    return sorted(set(pattern.findall(page.read_text())))


def there():
    """Return the paths of all files and folders, each with a slash before it."""
    found = []
    for entry in REPOSITORY.iterdir():
        if entry.name not in _LEFT_OUT:
            found += [entry, *entry.rglob("*")] if entry.is_dir() else [entry]
    return [f"/{path.relative_to(REPOSITORY)}{'/' * path.is_dir()}" for path in found]


THERE = there()
#: Files that how-to pages make: a block of code begins with the name.
_MADE = re.compile(r"^# ((?:[\w-]+/)*[\w-]+(?:\.\w+)+)$", re.MULTILINE)
MADE = {name for page in DOCS.glob("howto/*.md") for name in names(_MADE, page)}


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_every_file_that_a_page_names_exists(page):
    """A name may leave out the folders before it."""
    named = {name.removeprefix("../") for name in names(_PATH, page)}
    named = sorted(named - MADE) + names(_FOLDER, page)
    assert [name for name in named if not any(p.endswith(f"/{name}") for p in THERE)] == []


def prose(page):
    """Return a page without its blocks of code."""
    return _FENCED.sub("", page.read_text())


def anchors(page):
    """Return what the headings of a page are called in links, as GitHub makes it."""
    found = []
    for heading in re.findall(r"^#+ (.*)$", prose(page), re.MULTILINE):
        anchor = re.sub(r"[^\w -]", "", heading.lower()).replace(" ", "-")
        before = found.count(anchor)
        found += [anchor, f"{anchor}-{before}"] if before else [anchor]
    return set(found)


@pytest.mark.parametrize("page", EVERY_PAGE, ids=lambda page: str(page.relative_to(REPOSITORY)))
def test_every_link_of_a_page_leads_somewhere(page):
    for link in sorted(set(_LINK.findall(prose(page)))):
        file, _, anchor = link.partition("#")
        if "://" not in link:
            target = page.parent / file if file else page
            assert target.exists(), link
            assert not anchor or anchor in anchors(target), link


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_every_module_that_a_page_names_can_be_imported(page):
    assert [name for name in names(_MODULE, page) if not is_there(name)] == []


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_every_test_that_a_page_names_is_there(page):
    tests = "".join(each.read_text() for each in (REPOSITORY / "tests").rglob("test_*.py"))
    assert [name for name in names(_TEST, page) if f"def {name}(" not in tests] == []


def is_there(name):
    if name in NO_MODULES:
        return True
    module, _, rest = name.partition(".")
    found = import_module(module)
    for part in rest.split("."):
        module = f"{module}.{part}"
        try:
            found = getattr(found, part)
        except AttributeError:
            try:
                found = import_module(module)
            except ImportError:
                return False
    return True
