"""The page of `explain` has each code that it knows, once, and no other."""

import re

from gatherq.inspection.explain.rules import CODES

from . import DOCS


def test_the_page_has_every_code_in_order():
    _, _, table = (DOCS / "inspect.md").read_text().partition("| code | says | do |")
    rows = re.findall(r"^\| `([A-Z_]+)` \|", table, re.MULTILINE)
    assert tuple(rows) == CODES
