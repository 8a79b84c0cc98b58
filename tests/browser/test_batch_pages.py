"""The pages of a batch in a real browser: they are live, and what is drawn outlives a change."""

import pytest

from .world import HOSTILE

#: `--succeeded` of colors.css, where it is light.
SUCCEEDED = [0x8F, 0xCE, 0x9F]
#: Waits until the page has changed in its place.
SWAPPED = """() => new Promise(
  (done) => document.addEventListener("htmx:after:swap", () => done(), { once: true }))"""


@pytest.fixture
def drawn(visit):
    """Open the page of a batch, and wait until its slots are drawn."""

    def open_(batch, **options):
        opened = visit(f"/batches/{batch}", **options)
        opened.page.wait_for_selector("[data-drawn]")
        return opened

    return open_


@pytest.fixture
def waiting(pool):
    """Submit a batch that waits until `pool.finish`."""

    def submit(count):
        async def submit(producer):
            return (await producer.submit(pool.waiting(count), label="waiting")).id

        pool.hold()
        return pool.do(submit)

    return submit


def pixel(opened, x, y):
    read = """([x, y]) => {
      const context = document.getElementById("slots").getContext("2d");
      return [...context.getImageData(x, y, 1, 1).data];
    }"""
    return opened.page.evaluate(read, [x, y])


def test_its_slots_are_drawn_and_lead_to_their_pages(drawn):
    opened = drawn("nightly")
    opened.page.click("#slots", position={"x": 3 * 22 + 8, "y": 8})
    assert "ConnectionRefusedError" in opened.page.inner_text("#detail")
    assert opened.page.inner_text("#run-times").startswith("fetch")
    opened.page.click("#detail a")
    opened.page.wait_for_url("**/batches/nightly/3")
    assert opened.page.inner_text("h1").startswith("Slot 3")


def test_texts_of_others_are_no_script_once_they_are_drawn(drawn):
    opened = drawn("hostile")
    opened.page.click("#slots", position={"x": 8, "y": 8})
    assert HOSTILE[:8] in opened.page.inner_text("#detail")
    assert opened.page.evaluate("window.hit") is None


def test_what_runs_ends_before_ones_eyes(drawn, pool, waiting):
    """The counts change, what is drawn stays and changes, and what was chosen is still chosen."""

    opened = drawn(waiting(3))
    page = opened.page
    page.click("#slots", position={"x": 8, "y": 8})
    page.select_option("#color", "job")
    page.select_option("#color", "status")
    page.evaluate(SWAPPED)
    assert page.get_attribute("#causes", "hx-trigger") == "every 5s"  # what was told stays
    assert page.locator("#causes li").count()
    pool.finish()
    page.wait_for_selector("h1 .state.succeeded")
    assert page.locator("#why").count() == 0
    page.wait_for_selector("#detail:has-text('succeeded')")
    assert pixel(opened, 8, 8)[:3] == SUCCEEDED


def test_a_batch_that_is_removed_meanwhile_is_said_to_be_gone(drawn, pool, waiting):
    async def remove(producer, batch):
        await (await producer.batch(batch)).delete()

    batch = waiting(3)
    opened = drawn(batch)
    pool.do(remove, batch)
    opened.page.wait_for_selector("#away:not([hidden])")
    assert f"no batch {batch}" in opened.page.inner_text("#away")
    opened.complaints.clear()  # the browser tells of the 404
    pool.finish()


def test_an_error_group_is_run_again_by_two_clicks(visit, pool):
    async def submit(producer):
        batch = await producer.submit(pool.failing(12), label="twice")
        await batch.outcomes()
        return batch.id

    batch = pool.do(submit)
    opened = visit(f"/batches/{batch}")
    opened.page.click("text=Redrive these")
    assert "Redrive 12 slots" in opened.page.inner_text("h1")
    opened.page.click("button.danger")
    opened.page.wait_for_selector("text=Redrove 12 slots")
    opened.page.wait_for_selector(".change.same, .change.fewer")
    assert "redriven once" in opened.text


def test_what_is_chosen_is_cancelled_without_script(visit, pool, waiting):
    batch = waiting(12)
    opened = visit(f"/batches/{batch}/slots?q=status:queued", java_script_enabled=False)
    opened.page.click("text=Cancel …")
    assert opened.page.inner_text("h1").startswith("Cancel ")
    opened.page.click("text=Leave it")
    opened.go(f"/batches/{batch}/cancel?slots=11")
    assert opened.page.inner_text("h1").startswith("Cancel 1 slot of batch")
    opened.page.click("button.danger")
    assert "Cancelled 1 slot:" in opened.text
    opened.go(f"/batches/{batch}/11")
    assert "cancelled by: web" in opened.text
    pool.finish()


def test_what_was_done_is_said_once(visit):
    opened = visit("/batches/nightly?did=redriven&slots=3")
    assert "Redrove 3 slots" in opened.text
    opened.page.wait_for_url("**/batches/nightly")
    opened.page.reload()
    assert "Redrove" not in opened.text


def test_a_slot_that_is_none_is_said_to_be(drawn):
    opened = drawn("nightly")
    for asked in ("999", "abc"):
        opened.page.fill("#slot", asked)
        assert opened.page.inner_text("#detail") == "There are slots 0 to 199."
    opened.page.fill("#slot", "")
    assert opened.page.inner_text("#detail") == ""


def test_the_filter_leads_to_the_slots(drawn):
    opened = drawn("nightly")
    opened.page.focus("#q")
    opened.page.keyboard.type("status:timed_out")
    opened.page.keyboard.press("Enter")
    opened.page.wait_for_url("**/slots?q=status*")
    assert opened.page.locator("tbody tr").count() == 4
