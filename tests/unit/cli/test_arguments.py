"""A command line that is handed on."""

import pytest

from gatherq_cli.run.arguments import without


@pytest.mark.parametrize(
    ("words", "left"),
    [
        ("worker jobs --redis redis://h", "worker jobs"),
        ("worker --redis redis://h jobs -v", "worker jobs -v"),
        ("worker --redis=redis://h jobs", "worker jobs"),
        ("worker --redis --redis jobs", "worker jobs"),
        ("worker --redis-like x jobs", "worker --redis-like x jobs"),
        ("worker jobs --redis", "worker jobs"),
    ],
)
def test_an_option_goes_with_its_value(words, left):
    assert without(words.split(), "--redis") == left.split()
