"""The page: what is in it, and that no text of others can do anything."""

import base64
import hashlib
import json
import re
import zlib
from html.parser import HTMLParser

import pytest

from gatherq.inspection.filters import STATUSES
from gatherq.inspection.report.page import page_of

from .slots import every_kind, failed, report_of, succeeded

HOSTILE = "</script><script>alert(1)</script><img src=x onerror=alert(1)>'\"&\u2028\x1b[31m"


class Reader(HTMLParser):
    """What a browser would make of the page: elements, and the texts of some."""

    def __init__(self, page):
        super().__init__()
        self.tags, self.attributes, self.texts = [], [], {}
        self._inside = None
        self.feed(page)

    def handle_starttag(self, tag, attrs):
        self.tags.append(tag)
        self.attributes += [(tag, *each) for each in attrs]
        self._inside = dict(attrs).get("id", tag)

    def handle_endtag(self, tag):
        self._inside = None

    def handle_data(self, data):
        self.texts.setdefault(self._inside, []).append(data)


def data_in(page):
    (text,) = Reader(page).texts["data"]
    return json.loads(zlib.decompress(base64.b64decode(text)))


async def test_its_data_are_the_columns():
    found = data_in(page_of(await report_of(*every_kind())))
    assert [found["statuses"][number] for number in found["status"]][3:6] == [
        *("cancelled", "lost", "running"),
    ]
    assert found["start"][:4] == [0, 1000, 500, None]
    assert found["call"][0] == "fetch(0)"
    assert found["earlier"][0][:4] == [1, 0, 0, 500]
    assert sum(len(pairs) // 2 for _, pairs in found["lanes"]) == 7


async def test_it_allows_its_own_script_and_style_alone():
    page = Reader(page_of(await report_of(*every_kind())))
    (policy,) = [
        value for _, name, value in page.attributes if name == "content" and "src" in value
    ]
    for tag in ("script", "style"):
        (text,) = page.texts[tag]
        digest = base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()
        assert f"{tag}-src 'sha256-{digest}'" in policy
    assert policy.startswith("default-src 'none'")
    assert "unsafe" not in policy


async def test_it_names_nothing_to_fetch():
    page = page_of(await report_of(*every_kind()))
    links = [value for _, name, value in Reader(page).attributes if name in ("src", "href")]
    assert links == ["data:,"]
    assert not re.findall(r"https?://(?!www\.w3\.org/2000/svg)", page)


async def test_texts_of_others_are_texts_wherever_they_stand():
    slots = [
        failed(0, message=HOSTILE, type_=HOSTILE, traceback=HOSTILE, worker=HOSTILE, name=HOSTILE),
        succeeded(1, value=HOSTILE),
        failed(2, signature=HOSTILE),
    ]
    hostile = page_of(await report_of(*slots, id=HOSTILE, label=HOSTILE, by=HOSTILE))
    slots = [failed(0, name="parse", type_="KeyError"), succeeded(1), failed(2)]
    plain = page_of(await report_of(*slots, label="a", by="b"))
    assert Reader(hostile).tags == Reader(plain).tags
    names = {name for _, name, _ in Reader(hostile).attributes}
    assert names == {name for _, name, _ in Reader(plain).attributes}
    assert not re.search(r"[\x00-\x09\x0b-\x1f\u2028]", hostile)


async def test_a_batch_that_is_not_finished_says_so():
    page = page_of(await report_of(*every_kind(), now=10.0))
    assert "Not finished: 4 of 9 slots have no outcome yet, 10s after the submission." in page
    assert "Not finished" not in page_of(await report_of(succeeded(0)))


async def test_what_was_left_out_is_said():
    assert "were left out" in page_of(await report_of(succeeded(0), redact=True))


async def test_an_empty_batch_has_a_page():
    assert "0 slots" in page_of(await report_of())


@pytest.mark.parametrize("generation", [1, 2])
async def test_a_redriven_batch_says_so(generation):
    page = page_of(await report_of(succeeded(0), generation=generation))
    assert f"Redriven {['once', '2 times'][generation - 1]}" in page


@pytest.mark.parametrize("status", [*STATUSES, "died"])
async def test_every_status_has_a_color_in_the_light_and_in_the_dark(status):
    (style,) = Reader(page_of(await report_of())).texts["style"]
    assert len(re.findall(rf"--{status}: #", style)) == 2
    assert f"rect.{status}" in style
