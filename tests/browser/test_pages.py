"""What holds for every page of the site, in a real browser."""

import os

import pytest

from .conftest import served

#: Every page, by the name of its picture.
PAGES = {
    "overview": "/",
    "batches": "/batches",
    "batch": "/batches/nightly",
    "running": "/batches/going",
    "hostile": "/batches/hostile",
    "why": "/batches/going/why",
    "slots": "/batches/nightly/slots?q=status:failed",
    "failed": "/batches/nightly/3",
    "value": "/batches/hostile/1",
    "long": "/batches/hostile/2",
    "cancel": "/batches/going/cancel",
    "redrive": "/batches/nightly/redrive?q=status:failed",
    "keep": "/batches/nightly/keep",
    "remove": "/batches/going/remove",
    "workers": "/workers",
    "jobs": "/jobs",
    "job": "/jobs/fetch",
    "queues": "/queues",
    "events": "/events",
    "doctor": "/doctor",
}


@pytest.mark.parametrize("path", PAGES.values(), ids=PAGES)
def test_a_page_keeps_nobody_out(visit, path):
    opened = visit(path)
    assert opened.page.inner_text("h1")
    assert opened.fits()
    assert opened.barriers() == []


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("path", PAGES.values(), ids=PAGES)
def test_a_page_fits_into_a_narrow_window_and_is_legible(visit, path, scheme):
    opened = visit(path, viewport={"width": 390, "height": 844}, color_scheme=scheme)
    assert opened.fits()
    assert opened.barriers() == []


@pytest.mark.parametrize("path", PAGES.values(), ids=PAGES)
def test_a_page_can_be_read_without_script(visit, path):
    with_script, without = visit(path), visit(path, java_script_enabled=False)
    assert without.page.inner_text("h1") == with_script.page.inner_text("h1")
    assert without.page.locator("main table, main dl, main p").count()


@pytest.mark.parametrize("path", PAGES.values(), ids=PAGES)
def test_texts_of_others_run_nothing(visit, path):
    assert visit(path).page.evaluate("window.hit") is None


@pytest.mark.parametrize("name", PAGES)
@pytest.mark.parametrize("kind", ["light", "dark", "narrow"])
def test_pictures(visit, name, kind, tmp_path_factory):
    """Pictures to look at: in the folder that `PICTURES` names."""
    options = {"narrow": {"viewport": {"width": 390, "height": 844}}}.get(kind, {})
    scheme = "dark" if kind == "dark" else "light"
    opened = visit(PAGES[name], color_scheme=scheme, **options)
    folder = os.environ.get("PICTURES") or tmp_path_factory.getbasetemp()
    opened.page.screenshot(path=f"{folder}/{name}-{kind}.png", full_page=True)


def test_a_list_is_live(visit, pool):
    """What is submitted while the page is open comes by itself."""
    opened = visit("/batches")

    async def submit(producer):
        return (await producer.submit(pool.waiting(12), label=f"comes-{os.urandom(3).hex()}")).id

    opened.page.wait_for_function("document.querySelector('#stream') !== null")
    batch = pool.do(submit)
    opened.page.wait_for_selector(f"a[href$='/batches/{batch}']")


def test_a_page_says_that_its_server_is_gone_and_comes_back(chromium, pool):
    """Its own server, which ends and starts again at the same port."""
    from .visit import Visit

    context = chromium.new_context()
    with served(pool.url) as address:
        opened = Visit(context.new_page(), address, "/livez")
        with opened.page.expect_response(lambda answer: answer.url.endswith("/live")):
            opened.go("/batches")
    opened.page.wait_for_selector("#away:has-text('No contact with the server of this page')")
    assert opened.page.locator("main tbody tr").count()
    port = address.rpartition(":")[2]
    with served(pool.url, port=int(port)):
        opened.page.wait_for_selector("#away", state="hidden")
    context.close()


@pytest.mark.parametrize(("path", "box"), [("/batches", "q"), ("/batches/nightly", "slot")])
def test_a_slash_leads_to_the_box_that_says_so(visit, path, box):
    page = visit(path).page
    if box == "slot":
        page.wait_for_selector("#slot")
    page.keyboard.press("/")
    assert page.evaluate("document.activeElement.id") == box
