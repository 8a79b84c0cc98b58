"""The commands that pages give exist, with their options."""

import re

import click
import pytest

from ..house import REPOSITORY
from .commands import (
    check,
    gatherq_commands,
    make_targets,
    options_named,
    options_of_commands,
)
from .test_code import PAGES

TARGETS = set(re.findall(r"^([a-z][\w-]*):", (REPOSITORY / "Makefile").read_text(), re.MULTILINE))
#: Options of other programs that pages name.
OTHERS = {"--init"}

each_page = pytest.mark.parametrize(
    "page", PAGES, ids=lambda page: str(page.relative_to(REPOSITORY))
)


@each_page
def test_the_commands_of_a_page_exist(page):
    text = page.read_text()
    for words in gatherq_commands(text):
        check(words)
    assert set(make_targets(text)) <= TARGETS


@each_page
def test_the_options_that_a_page_names_exist(page):
    assert set(options_named(page.read_text())) <= options_of_commands() | OTHERS


PAGE = """
`gatherq worker kitchen --graze 3`, `--graze` and `make tea`

```console
$ gatherq worker kitchen \\
    --processes many
gatherq wroker kitchen
$ make coffee
```
"""


def test_what_is_wrong_is_found():
    commands = gatherq_commands(PAGE)
    assert [words[:2] for words in commands] == [
        ["worker", "kitchen"],
        ["wroker", "kitchen"],
        ["worker", "kitchen"],
    ]
    for words in commands:
        with pytest.raises(click.UsageError):
            check(words)
    assert options_named(PAGE) == ["--graze"]
    assert make_targets(PAGE) == ["coffee", "tea"]
