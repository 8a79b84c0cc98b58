"""The page of a batch in a real browser, opened as a file."""

import os

import pytest

from ..house import DOCS
from ..unit.inspection.report.slots import every_kind, failed, succeeded
from .crawl import crawl, made

HOSTILE = "</script><script>window.hit = 1</script><img src=x onerror='window.hit = 1'>"


@pytest.fixture
def kinds(sheet):
    return sheet(made(*every_kind()))


def test_it_asks_for_nothing_and_complains_of_nothing(kinds):
    for name in ("took", "waited", "attempts", "worker", "job", "group", "status"):
        kinds.page.select_option("#color", name)
    for slot in range(9):
        kinds.page.click("#slots", position=kinds.cell(slot))
    kinds.page.wait_for_timeout(100)  # what it would ask for late
    assert kinds.requests == [kinds.url]
    assert kinds.complaints == []


def test_a_click_on_a_cell_shows_its_outcome(kinds):
    kinds.page.click("#slots", position=kinds.cell(0))
    assert "fetch(0)" in kinds.detail
    assert "slot 0 · succeeded · w1" in kinds.detail
    assert "'page'" in kinds.detail
    kinds.page.click("#slots", position=kinds.cell(1))
    assert "ValueError: no page 7" in kinds.detail
    phases = kinds.page.locator(".phases > span").all_inner_texts()
    assert phases == ["queued", "run 1", "waits again", "run 2", "waits again", "run 3"]
    kinds.page.click("summary")
    assert 'File "jobs.py", line 3' in kinds.detail
    kinds.page.click("#slots", position=kinds.cell(5))
    assert "slot 5 · running" in kinds.detail


def test_it_does_without_a_mouse(kinds):
    keyboard = kinds.page.keyboard
    kinds.page.focus("#slots")
    keyboard.press("ArrowRight")
    assert "slot 0 " in kinds.detail
    keyboard.press("ArrowRight")
    assert "slot 1 " in kinds.detail
    keyboard.press("End")
    assert "slot 8 " in kinds.detail
    keyboard.press("Escape")
    assert kinds.detail == ""
    keyboard.press("/")
    keyboard.type("4")
    assert "lost after 2 attempts" in kinds.detail
    reached = set()
    for _ in range(30):
        keyboard.press("Tab")
        reached.add(kinds.page.evaluate("document.activeElement.id"))
    assert {"color", "slot", "slots", "timeline"} <= reached


def test_next_leads_through_the_slots_that_are_shown(sheet):
    opened = sheet(made(failed(0), succeeded(1), failed(2), succeeded(3)))
    opened.page.click("[data-status=failed]")
    assert "slot 0 · failed" in opened.detail
    opened.page.click("[aria-label='next slot']")
    assert "slot 2 · failed" in opened.detail
    opened.page.click("[aria-label='next slot']")
    assert "slot 2 · failed" in opened.detail
    opened.page.click("[data-group='0']")
    assert "error group" in opened.detail
    assert "with 1 others" in opened.detail


def test_the_cells_have_the_colors_of_what_is_chosen(kinds):
    at = [(round(kinds.cell(slot)["x"]), 10) for slot in range(5)]
    colors = [tuple(kinds.pixel("slots", *each)) for each in at]
    assert len(set(colors)) == 5
    kinds.page.select_option("#color", "worker")
    kinds.page.wait_for_timeout(100)
    workers = [tuple(kinds.pixel("slots", *each)) for each in at]
    assert workers[0] == workers[1] == workers[4] != workers[2]
    assert kinds.page.locator("#legend span").all_inner_texts() == ["w1", "w2"]


def test_a_click_on_a_bar_and_a_zoom(kinds):
    timeline = kinds.page.locator("#timeline")
    timeline.scroll_into_view_if_needed()
    box = timeline.bounding_box()
    timeline.click(position={"x": box["width"] * 0.03, "y": 40})
    assert "slot 1 " in kinds.detail
    whole = kinds.page.locator("#whole")
    assert whole.is_disabled()
    timeline.focus()
    kinds.page.keyboard.press("+")
    kinds.page.wait_for_selector("#whole:enabled")
    whole.click()
    kinds.page.wait_for_selector("#whole:disabled")
    box = timeline.bounding_box()
    kinds.page.mouse.move(box["x"] + 100, box["y"] + 40)
    kinds.page.mouse.down()
    kinds.page.mouse.move(box["x"] + 400, box["y"] + 40)
    kinds.page.mouse.up()
    kinds.page.wait_for_selector("#whole:enabled")


def test_texts_of_others_run_nothing(sheet):
    slots = [
        failed(0, message=HOSTILE, type_=HOSTILE, traceback=HOSTILE, worker=HOSTILE, name=HOSTILE),
        succeeded(1, value=HOSTILE, worker=HOSTILE),
    ]
    opened = sheet(made(*slots, id=HOSTILE, label=HOSTILE, by=HOSTILE))
    for slot in (0, 1):
        opened.page.click("#slots", position=opened.cell(slot))
    assert "window.hit" in opened.detail
    assert opened.page.evaluate("window.hit") is None
    assert (opened.requests, opened.complaints) == ([opened.url], [])


def test_what_script_may_not_do_is_refused_by_the_page_itself(kinds):
    """Its policy is in force: a script that got in, or a picture from afar, would not run."""
    kinds.page.evaluate(
        """() => {
          const script = document.createElement("script");
          script.textContent = "window.hit = 1";
          document.body.append(script);
        }"""
    )
    assert kinds.page.evaluate("window.hit") is None
    assert any("Content Security Policy" in each for each in kinds.complaints)


@pytest.mark.parametrize("width", [390, 1240])
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_it_fits_into_narrow_and_wide_windows_in_both_schemes(sheet, width, scheme):
    options = {"viewport": {"width": width, "height": 900}, "color_scheme": scheme}
    opened = sheet(crawl(2000), **options)
    opened.page.click("[data-status=failed]")
    assert opened.page.evaluate("document.documentElement.scrollWidth") == width
    background = opened.page.evaluate("getComputedStyle(document.body).backgroundColor")
    assert background == {"light": "rgb(251, 251, 250)", "dark": "rgb(19, 21, 24)"}[scheme]
    assert opened.complaints == []


def test_a_batch_of_100_000_slots(sheet):
    opened = sheet(crawl(100_000))
    opened.page.fill("#slot", "99999")
    assert "slot 99999 " in opened.detail
    assert opened.complaints == []


def test_without_script_the_tables_are_there(sheet, chromium, tmp_path):
    opened = sheet(made(*every_kind()))
    context = chromium.new_context(java_script_enabled=False)
    page = context.new_page()
    page.goto(opened.url)
    assert page.locator("tbody tr").count() >= 5
    assert "need JavaScript" in page.inner_text("noscript")
    context.close()


def test_the_picture_of_the_documentation(sheet):
    """`WRITE_DOCS=1` (`make browser WRITE_DOCS=1`) makes it anew."""
    opened = sheet(crawl(2000), viewport={"width": 1100, "height": 900})
    opened.page.fill("#slot", "7")
    opened.page.locator("h1").click()
    picture = opened.page.screenshot(full_page=True)
    file = DOCS / "pictures" / "report.png"
    if "WRITE_DOCS" in os.environ:
        file.write_bytes(picture)
    assert file.stat().st_size < 200_000
