"""The Python of README.md and of the other pages is typed: mypy and pyright have no complaint."""

import re

import pytest

from . import DOCS, REPOSITORY
from .checkers import mypy, pyright
from .pages import Page, complaints

#: Those in `docs/howto` are about frameworks too, not all of which are typed.
PAGES = sorted([REPOSITORY / "README.md", *DOCS.glob("*.md")])
_SAID = re.compile(
    r"^(?:.*/)?(?P<package>\w+)/\w+\.py:(?P<line>\d+)(?::\d+)?[ :-]+error: (?P<message>.*)$",
    re.MULTILINE,
)


def check(checker, paths, root, folder):
    """Return what a checker says of the lines of pages that readers see."""
    pages = [Page.read(path, root) for path in paths]
    folder.mkdir()
    for page in pages:
        page.write(folder)
    return list(complaints(checker(folder), pages, _SAID))


@pytest.mark.parametrize("checker", [mypy, pyright])
def test_the_code_of_the_pages_is_typed(checker, tmp_path):
    assert check(checker, PAGES, REPOSITORY, tmp_path / "pages") == []


PAGE = """\
# A page
```python
# kitchen.py
from gatherq import job

@job()
async def chop(vegetable: str) -> str: ...
```
<!--- invisible-code-block: python
def untyped(): return 1 + ""
--->
- in a list
  ```python
  from kitchen import chop
  text = await producer.gather(chop.call("leek"))
  text[0].uper()
  ```
```python
chop.call(5)
```
"""


@pytest.mark.parametrize("checker", [mypy, pyright])
def test_what_is_wrong_is_told_by_the_lines_of_the_page(checker, tmp_path):
    page = tmp_path / "page.md"
    page.write_text(PAGE)
    told = check(checker, [page], tmp_path, tmp_path / "pages")
    assert any("uper" in each for each in told)
    assert {each.partition(": ")[0] for each in told} == {"page.md:16", "page.md:19"}
