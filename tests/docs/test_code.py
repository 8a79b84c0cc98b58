"""The Python of every page runs, in the order in which it stands there."""

import pytest

from ..house import DOCS, REPOSITORY

PAGES = [REPOSITORY / "README.md", *sorted(DOCS.glob("*.md")), *sorted(DOCS.glob("howto/*.md"))]


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(REPOSITORY)))
def test_a_page_does_what_it_says(page, reader):
    reader.read(page)


def page_of(tmp_path, *blocks):
    path = tmp_path / "page.md"
    path.write_text("\n".join(f"```python\n{block}\n```\n" for block in blocks))
    return path


JOBS = """\
# pantry.py
from gatherq import job

@job()
async def store(what: str) -> str:
    return what
"""


def test_a_page_shares_names_and_a_worker(tmp_path, reader):
    page = page_of(tmp_path, JOBS, "handle = await producer.submit_one(store.call('jam'))")
    reader.read(page)
    reader.read(page_of(tmp_path, "assert await handle == 'jam'"))


@pytest.mark.parametrize(
    "block",
    [
        "assert False",
        "await producer.nothing()",
        "# cupboard.py\nassert False",
        "# cupboard.py\nif __name__ == '__main__':\n    raise SystemExit(1)",
        "# test_cupboard.py\ndef test_it(): assert False",
    ],
)
def test_what_is_wrong_fails(tmp_path, reader, block):
    with pytest.raises((AssertionError, AttributeError)):
        reader.read(page_of(tmp_path, block))


def test_a_block_may_be_skipped(tmp_path, reader):
    path = page_of(tmp_path, "assert False")
    path.write_text('<!-- skip: next "an example" -->\n' + path.read_text())
    assert reader.read(path) == 2
    with pytest.raises(AssertionError):
        reader.read(page_of(tmp_path, "assert False"))
