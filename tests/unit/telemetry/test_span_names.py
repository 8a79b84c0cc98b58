"""Names of spans and attributes: those of the conventions, and those of the documentation."""

import re
from importlib import import_module

from gatherq.telemetry import span_names
from tests.house import DOCS

_ROW = re.compile(r"^\| `([^|]+)` \| ([A-Z]+) \| ([^|]+) \| ([^|]+) \|$", re.MULTILINE)
#: Modules of the conventions that our names are copied from.
CONVENTIONS = ("messaging", "server", "code", "error", "exception")


def ours():
    """Return all names of attributes that we use."""
    names = {value for name, value in vars(span_names).items() if name.isupper()}
    return {name for name in names if isinstance(name, str) and "." in name}


def conventional():
    """Return all names of attributes in the conventions."""
    modules = [
        import_module(f"opentelemetry.semconv._incubating.attributes.{name}_attributes")
        for name in CONVENTIONS
    ]
    found = [value for module in modules for value in vars(module).values()]
    return {value for value in found if isinstance(value, str)}


def test_each_name_is_of_the_conventions_or_says_that_it_is_ours():
    assert {name for name in ours() if not name.startswith("gatherq.")} <= conventional()
    assert len(ours()) > 20


def test_operations_have_the_types_that_the_conventions_know():
    messaging = import_module("opentelemetry.semconv._incubating.attributes.messaging_attributes")
    types = {each.value for each in messaging.MessagingOperationTypeValues}
    assert {"send", "process"} <= types
    assert span_names.messaging("send", "q")["messaging.operation.type"] == "send"


def test_the_page_has_the_table_of_spans():
    rows = _ROW.findall((DOCS / "telemetry.md").read_text())
    assert [
        (name.replace("`, `", ", "), kind, what.strip(), attributes)
        for name, kind, what, attributes in rows
    ] == [
        (row.name, row.kind, row.what, ", ".join(f"`{name}`" for name in row.attributes))
        for row in span_names.SPANS
    ]
