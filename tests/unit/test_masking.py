"""A password in a URL is never shown, wherever in it it stands."""

import pickle
from urllib.parse import quote

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from redis.exceptions import ConnectionError as RedisConnectionError

from gatherq import Producer
from gatherq.connection import connection_pool, unavailable
from gatherq.errors import RedisUnavailable
from gatherq.masking import masked
from gatherq.settings import Settings
from gatherq_worker.arq_connection import redis_settings

MARKER = "hunter2"
SHAPES = [
    *("{s}://:{p}@h:1/0", "{s}://me:{p}@h", "{s}://{p}@h", "{s}://{p}:@h", "{s}:{p}@h", "{p}@h:1"),
    *(":{p}@h", "{s}:/{p}@h", "{s}://h/{p}", "{s}://h/0#{p}", "{s}://h?password={p}", "//:{p}@h"),
    *("{s}://h?username={p}", "{s}://h?{p}=1", "{s}://h?db={p}", "{s}://:{p}", "{s}://h:{p}/0"),
    *("{s}://h/0?ssl_cert_reqs={p}", "{s}://[{p}@h", "{s}://h?socket_timeout={p}"),
    *("{s}://{p}/x@h", "{s}://{p}#x@h", "{s}://me:a@{p}@h"),
    *("{s}://me:a/{p}@h", "{s}://a?{p}@h", "{s}://a#{p}@h", "{s}://a?b={p}@h"),
]
ODD = st.text(st.sampled_from("/?#@:%[]&= é\n"), max_size=2)
PASSWORDS = st.builds("{}hunter2{}".format, ODD, ODD)
SCHEMES = ["redis", "rediss", "unix", "REDIS", "http", ""]


def said(url):
    """Return all that is said of a URL."""
    yield masked(url)
    yield str(unavailable(RedisConnectionError("away"), url))
    for make in (connection_pool, Producer, redis_settings):
        try:
            make(url)
        except RedisUnavailable as error:
            yield f"{error!r} {error.url} {error} {error.__cause__!r}"
    yield repr(Settings(redis_url=url))


@given(st.sampled_from(SHAPES), st.sampled_from(SCHEMES), PASSWORDS, st.booleans())
def test_a_password_is_never_said(shape, scheme, password, encoded):
    # Without a host, an @ of the password makes a host of what follows: as such it is shown.
    assume("@" in shape or encoded or "@" not in password.partition(MARKER)[0])
    password = quote(password, safe="") if encoded else password
    for text in said(shape.format(s=scheme, p=password)):
        assert MARKER not in text.lower()


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        ("redis://:top/secret@h", "(unreadable URL)"),
        ("redis://h:1/3?password=x", "redis://h:1/3"),
        ("rediss://u:p%40x@h.example:7", "rediss://:***@h.example:7"),
        ("redis://:p@[::1]:7/0", "redis://:***@[::1]:7/0"),
        ("unix://:p@/run/redis.sock?db=2", "unix://:***@/run/redis.sock?db=2"),
    ],
)
def test_what_is_no_secret_is_shown(url, shown):
    assert masked(url) == shown


def test_settings_that_are_refused_do_not_quote_them():
    with pytest.raises(ValueError, match="redis_url") as raised:
        Producer((f"redis://:{MARKER}@h",))  # type: ignore[arg-type]
    assert MARKER not in str(raised.value)


def test_an_unusable_url_pickles_nothing_secret():
    error = unavailable(RedisConnectionError("away"), f"redis://:{MARKER}@h")
    assert MARKER.encode() not in pickle.dumps((str(error), error.url))
