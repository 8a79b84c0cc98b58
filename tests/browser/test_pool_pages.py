"""The pages of a pool in a real browser: charts, and what changes while they are open."""

import pytest
from redis import Redis

from gatherq.contract.keys import KeySpace

KEYS = KeySpace()
#: Marks the canvas of a chart: another in its place has no mark.
MARK = "() => { document.querySelector('.chart canvas').dataset.marked = '' }"
MARKED = ".chart canvas[data-marked]"


@pytest.fixture
def redis(pool):
    with Redis.from_url(pool.url) as client:
        yield client


@pytest.fixture
def worker(redis):
    """Let a worker be there that nobody started, until `leaves` is called."""

    def comes(name):
        seconds, _ = redis.time()
        redis.zadd(KEYS.workers, {name: (seconds + 60) * 1000})

    def leaves(name):
        redis.zrem(KEYS.workers, name)

    comes.leaves = leaves
    yield comes
    for name in redis.zrange(KEYS.workers, 0, -1):
        if name.startswith(b"test-"):
            redis.zrem(KEYS.workers, name)


def drawn(opened):
    """Wait until both charts are drawn: workers tell every ten seconds what they have counted."""
    opened.page.wait_for_selector("[data-chart=took][data-drawn] canvas", timeout=40_000)
    return opened.page


@pytest.mark.parametrize("path", ["/", "/jobs/fetch", "/?since=8h", "/?since=30d"])
def test_charts_are_drawn(visit, path):
    page = drawn(visit(path))
    assert page.locator(".chart canvas").count() == 2
    legend = page.inner_text("[data-chart=ended] .u-legend")
    assert "succeeded" in legend
    assert "failed" in legend
    assert "run p95" in page.inner_text("[data-chart=took] .u-legend")


@pytest.mark.parametrize("path", ["/?since=30d", "/jobs/fetch?since=30d"])
def test_charts_stay_while_the_page_changes_around_them(visit, worker, path):
    opened = visit(path)
    page = drawn(opened)
    page.evaluate(MARK)
    with page.expect_response(lambda answer: "charts=no" in answer.url):
        pass
    with page.expect_response(lambda answer: "charts=no" in answer.url):
        pass  # what the first has brought is in its place
    assert page.locator(MARKED).count() == 1


def test_new_numbers_come_by_themselves_and_what_is_open_stays_open(visit):
    page = drawn(visit("/"))
    page.click("summary")
    page.evaluate(MARK)
    page.wait_for_selector(MARKED, state="detached", timeout=30_000)
    assert page.locator(".chart canvas").count() == 2
    assert page.locator("details[open]").count() == 1


def test_colors_follow_the_scheme(visit):
    page = drawn(visit("/", color_scheme="light"))
    page.evaluate(MARK)
    page.emulate_media(color_scheme="dark")
    page.wait_for_selector(MARKED, state="detached")


def test_the_numbers_can_be_read_without_script(visit):
    drawn(visit("/"))
    page = visit("/", java_script_enabled=False).page
    page.click("summary")
    assert page.locator("details tbody tr").count()
    assert not page.locator(".charts").is_visible()


def test_a_worker_comes_and_goes(visit, worker):
    opened = visit("/workers")
    worker("test-1")
    opened.page.wait_for_selector("text=test-1")
    opened.page.click("text=test-1")
    opened.page.wait_for_selector("h1:has-text('test-1')")
    assert opened.page.locator("#away").is_hidden()
    worker.leaves("test-1")
    opened.page.wait_for_selector("#away:has-text('not there any more')")
    assert opened.page.inner_text("h1") == "test-1"
    opened.complaints.clear()  # a browser notes each answer that is 404


def test_queues_without_a_worker_are_looked_for(visit, redis):
    redis.zadd(KeySpace("orphan").batch_index, {"b": 1})
    redis.expire(KeySpace("orphan").batch_index, 600)
    page = visit("/queues").page
    assert page.locator("tbody tr").count() == 1
    page.click("text=look for all")
    page.click("tbody >> text=orphan")
    assert "no worker on orphan" in page.inner_text("main")
    page.click("nav >> text=Jobs")
    assert "on orphan" in page.inner_text("main")
