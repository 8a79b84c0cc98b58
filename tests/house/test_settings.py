"""Pages name the variables that there are: those of `Settings`, and of the commands' options."""

import inspect
import re

import pytest
from click import Option

from gatherq import Producer
from gatherq.settings import Settings
from gatherq_cli.main import COMMANDS, main

from . import DOCS, REPOSITORY
from .test_docs import PAGES

_VARIABLE = re.compile(r"\bGATHERQ_[A-Z]+(?:_[A-Z]+)*\b")
_ROW = re.compile(r"^\| `(\w+)` \| `([A-Z_]+)` \| `?([^`|]+?)`? \|", re.MULTILINE)


def variable(field):
    return f"GATHERQ_{field.upper()}"


#: No argument says it: it belongs to the URL of the environment.
OF_THE_ENVIRONMENT = {"redis_password_file"}
OF_SETTINGS = {variable(field) for field in Settings.model_fields}


def of_options():
    """Return the variables of the options of every command."""
    commands = [main.get_command(None, name) for name in COMMANDS]
    options = [each for command in commands for each in command.params if isinstance(each, Option)]
    return {option.envvar for option in options}


def section(page, heading):
    """Return the text of a page below a heading, up to the next one."""
    return page.read_text().split(f"\n## {heading}\n")[1].split("\n## ")[0]


def test_the_readme_names_every_setting_of_both_sides():
    named = set(_VARIABLE.findall(section(REPOSITORY / "README.md", "Settings")))
    assert OF_SETTINGS - named == set()


def test_the_table_of_a_producer_has_its_settings_and_their_defaults():
    rows = _ROW.findall(section(DOCS / "deploying.md", "Settings of a producer"))
    assert {name: (name_of, default) for name, name_of, default in rows} == {
        name: (variable(name), str(field.default).removesuffix(".0"))
        for name, field in Settings.model_fields.items()
        if name not in OF_THE_ENVIRONMENT
    }
    assert [name for name, *_ in rows] == list(inspect.signature(Producer).parameters)


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_every_variable_that_a_page_names_is_read(page):
    assert set(_VARIABLE.findall(page.read_text())) - OF_SETTINGS - of_options() == set()
