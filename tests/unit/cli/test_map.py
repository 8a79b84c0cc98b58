"""What a map reads and writes, without a server."""

import os

import click
import pytest

from gatherq_cli.submit.input_lines import Input, InvalidLine
from gatherq_cli.submit.map_options import MapOptions
from gatherq_cli.submit.output_file import OutputFile


async def read(path, **how):
    return [(list(args), kwargs) async for args, kwargs in Input(str(path), **how).arguments()]


@pytest.fixture
def file(tmp_path):
    return tmp_path / "in.jsonl"


async def test_a_line_is_the_arguments_of_a_job(file):
    file.write_text('[1, "a"]\n"b"\r\n{"c": 1}\n[]\n[[2]]')
    expected = [([1, "a"], {}), (["b"], {}), ([{"c": 1}], {}), ([], {}), ([[2]], {})]
    assert await read(file) == expected


async def test_a_line_may_be_a_text_or_keywords(file):
    file.write_text("1\n\ntwo words\n")
    assert await read(file, as_text=True) == [(["1"], {}), ([""], {}), (["two words"], {})]
    file.write_text('{"a": 1}\n')
    assert await read(file, as_keywords=True) == [([], {"a": 1})]


async def test_a_long_line_is_read_whole(file):
    file.write_text(f'"{"x" * 300_000}"\n1\n')
    assert await read(file) == [(["x" * 300_000], {}), ([1], {})]


@pytest.mark.parametrize(
    ("content", "how", "said"),
    [
        (b"1\nno\n3", {}, r"line 2 of .*in.jsonl is no JSON \(Expecting value at column 1\)"),
        (b"1\n\n", {}, "line 2 of .* is no JSON"),
        (b"[1]", {"as_keywords": True}, "line 1 of .* is no object of JSON"),
        (b"\xff\n", {"as_text": True}, "line 1 of .*in.jsonl is not UTF-8$"),
    ],
)
async def test_a_line_that_cannot_be_read_is_named(file, content, how, said):
    file.write_bytes(content)
    with pytest.raises(InvalidLine, match=said):
        await read(file, **how)


async def test_a_pipe_is_read_as_it_comes(tmp_path):
    reading, writing = os.pipe()
    given = Input(f"/dev/fd/{reading}", as_text=True)
    assert not given.is_file
    lines = given.arguments()
    os.write(writing, b"one\ntw")
    assert await anext(lines) == (("one",), {})
    os.write(writing, b"o\nthree")
    assert await anext(lines) == (("two",), {})
    os.close(writing)
    os.close(reading)
    assert [args async for args, _ in lines] == [("three",)]


def options(given, **chosen):
    plain = dict.fromkeys(("values", "unordered", "detach"), False)
    none = dict.fromkeys(("timeout", "tolerate", "resume", "path"))
    return MapOptions.read(
        given, **{**plain, **none, "window": 100, "limits": (None, None, 0), **chosen}
    )


def test_a_share_is_of_the_lines_that_there_are(file):
    file.write_text("1\n" * 50)
    given = Input(str(file))
    assert options(given, tolerate="5%").tolerate == 2
    assert options(given, tolerate="0").tolerate == 0
    assert options(given).tolerate is None


@pytest.mark.parametrize(
    ("chosen", "said"),
    [
        ({"tolerate": "few"}, "--tolerate 'few': give a number, or a share as 5%"),
        ({"tolerate": "101%"}, "--tolerate '101%'"),
        ({"path": "out"}, "-o goes with --resume"),
        ({"unordered": True, "resume": "a"}, "--unordered does not go with --resume"),
        ({"detach": True, "tolerate": "1"}, "--detach prints no outcomes"),
        ({"resume": "a b"}, "--resume 'a b': give auto, or up to 100 letters"),
    ],
)
def test_what_does_not_go_together_is_refused(file, chosen, said):
    file.write_text("1\n")
    with pytest.raises(click.UsageError, match=said):
        options(Input(str(file)), **chosen)


def test_a_pipe_has_no_share_and_no_name():
    given = Input("/dev/null")
    with pytest.raises(click.UsageError, match="--tolerate 5% needs a FILE"):
        options(given, tolerate="5%")
    with pytest.raises(click.UsageError, match="--resume auto needs a FILE, not /dev/null"):
        options(given, resume="auto")
    assert options(given, detach=True).resume.startswith("map-")


def test_the_digest_is_of_what_is_read_and_how(file):
    file.write_text("1\n")
    as_json, as_text = Input(str(file)).digest(), Input(str(file), as_text=True).digest()
    assert len({as_json, as_text}) == 2
    assert Input(str(file)).digest() == as_json
    file.write_text("2\n")
    assert Input(str(file)).digest() != as_json


@pytest.mark.parametrize(
    ("before", "lines", "kept"),
    [("", 0, ""), ("a\nb\n", 2, "a\nb\n"), ("a\nb", 1, "a\n"), ("half", 0, "")],
)
def test_a_file_goes_on_after_its_last_whole_line(tmp_path, before, lines, kept):
    path = tmp_path / "out.jsonl"
    path.write_text(before)
    with OutputFile(str(path)) as file:
        assert file.lines == lines
        file.write("new\n")
    assert path.read_text() == f"{kept}new\n"
