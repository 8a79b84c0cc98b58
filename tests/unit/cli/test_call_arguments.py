"""Arguments of a job, as they are typed."""

import click
import pytest

from gatherq_cli.submit.call_arguments import keywords, positional


@pytest.mark.parametrize(
    ("word", "value"),
    [
        *[("3", 3), ("0.3", 0.3), ("true", True), ("null", None), ('"3"', "3")],
        *[('[1, "a"]', [1, "a"]), ('{"a": 1}', {"a": 1})],
        *[("carrot", "carrot"), ("https://x/", "https://x/"), ("True", "True"), ("", "")],
        *[("NaN", "NaN"), ("-Infinity", "-Infinity"), ("[1", "[1")],
    ],
)
def test_a_word_is_json_if_it_can_be_else_a_text(word, value):
    assert positional([word], None) == [value]
    assert keywords([f"name={word}"], None) == {"name": value}


def test_a_value_may_have_an_equals_sign():
    assert keywords(["query=a=b"], None) == {"query": "a=b"}


def test_objects_and_pairs_are_taken_together():
    assert positional([], '[1, "2"]') == [1, "2"]
    assert keywords(["b=2"], '{"a": 1}') == {"a": 1, "b": 2}


@pytest.mark.parametrize(
    ("read", "said"),
    [
        (lambda: positional(["1"], "[2]"), "one by one or as --args, not both"),
        (lambda: positional([], "[2"), r"--args is no JSON \(.* at column 3\): give an array"),
        (lambda: positional([], '{"a": 1}'), "--args is .*: give an array of JSON"),
        (lambda: keywords([], "[1]"), "--kwargs is .*: give an object of JSON"),
        (lambda: keywords(["size"], None), "-k 'size': write NAME=VALUE"),
        (lambda: keywords(["a b=1"], None), "-k 'a b=1': write NAME=VALUE"),
        (lambda: keywords(["a=1"], '{"a": 1}'), "-k a is given twice"),
    ],
)
def test_what_cannot_be_says_what_to_write(read, said):
    with pytest.raises(click.UsageError, match=said):
        read()
