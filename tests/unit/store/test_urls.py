"""A password in a URL is never shown, wherever in it it stands."""

import os
import pickle
import subprocess
from urllib.parse import quote

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from redis.asyncio.connection import SSLConnection
from redis.exceptions import ConnectionError as RedisConnectionError

from gatherq import Producer
from gatherq.errors import RedisUnavailable
from gatherq.settings import Settings
from gatherq.store.server.connection import connection_pool
from gatherq.store.server.errors import unavailable
from gatherq.store.server.urls import masked
from tests.conftest import HERE, gatherq

MARKER = "hunter2"
SHAPES = [
    *("{s}://:{p}@h:1/0", "{s}://me:{p}@h", "{s}://{p}@h", "{s}://{p}:@h", "{s}:{p}@h", "{p}@h:1"),
    *(":{p}@h", "{s}:/{p}@h", "{s}://h/{p}", "{s}://h/0#{p}", "{s}://h?password={p}", "//:{p}@h"),
    *("{s}://h?username={p}", "{s}://h?{p}=1", "{s}://h?db={p}", "{s}://:{p}", "{s}://h:{p}/0"),
    *("{s}://h/0?ssl_cert_reqs={p}", "{s}://[{p}@h", "{s}://h?socket_timeout={p}"),
    *("{s}://{p}/x@h", "{s}://{p}#x@h", "{s}://me:a@{p}@h"),
    *("{s}://me:a/{p}@h", "{s}://a?{p}@h", "{s}://a#{p}@h", "{s}://a?b={p}@h"),
]
#: Where the name of a master stands behind the hosts.
SENTINEL_SHAPES = [
    *("{s}://:{p}@h,i:1/m/0", "{s}://me:{p}@h/m", "{s}://{p}@h/m", "{s}://{p}:@h/m", "{s}:{p}@h/m"),
    *("{s}://h/m/{p}", "{s}://h/m#{p}", "{s}://h/m?sentinel_password={p}", "{s}://h:{p}/m"),
    *("{s}://h/m?sentinel_username={p}", "{s}://h/m?{p}=1", "{s}://h/m?password={p}&host={p}"),
    *("{s}://h,:{p}", "{s}://:{p}", "{s}://:{p}/x@h/m", "{s}://me:a@{p}@h/m", "{s}://[{p}@h/m"),
    *("{s}://me:a/{p}@h/m", "{s}://a?{p}@h/m", "{s}://h/m?b={p}@h", "{s}://h,me:{p}@i/m"),
]
ODD = st.text(st.sampled_from("/?#@:%[]&= é\n"), max_size=2)
PASSWORDS = st.builds("{}hunter2{}".format, ODD, ODD)
SCHEMES = ["redis", "rediss", "unix", "REDIS", "http", ""]
SENTINEL_SCHEMES = ["redis+sentinel", "rediss+sentinel", "REDIS+Sentinel"]
URLS = st.one_of(
    st.tuples(st.sampled_from(SHAPES), st.sampled_from(SCHEMES)),
    st.tuples(st.sampled_from(SENTINEL_SHAPES), st.sampled_from(SENTINEL_SCHEMES)),
)


def said(url, *makers):
    """Return all that is said of a URL."""
    yield masked(url)
    yield str(unavailable(RedisConnectionError("away"), url))
    for make in makers:
        try:
            make(url)
        except RedisUnavailable as error:
            yield f"{error!r} {error.url} {error} {error.__cause__!r} {error.__context__!r}"
    yield repr(Settings(redis_url=url))


@settings(deadline=None)  # a loaded machine is slow
@given(URLS, PASSWORDS, st.booleans())
def test_a_password_is_never_said(url, password, encoded):
    shape, scheme = url
    # Without a host, an @ of the password makes a host of what follows: as such it is shown.
    assume("@" in shape or encoded or "@" not in password.partition(MARKER)[0])
    password = quote(password, safe="") if encoded else password
    for text in said(shape.format(s=scheme, p=password), connection_pool, Producer):
        assert MARKER not in text.lower()


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        ("redis://:top/secret@h", "(unreadable URL)"),
        ("redis://h:1/3?password=x", "redis://h:1/3"),
        ("rediss://u:p%40x@h.example:7", "rediss://:***@h.example:7"),
        ("redis://:p@[::1]:7/0", "redis://:***@[::1]:7/0"),
        ("unix://:p@/run/redis.sock?db=2", "unix://:***@/run/redis.sock?db=2"),
        ("redis+sentinel://u:p@h,i:7/m.1?db=2", "redis+sentinel://:***@h,i:7/m.1/2"),
        ("rediss+sentinel://[::1],h/m/?sentinel_password=x", "rediss+sentinel://[::1],h/m"),
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


DATABASE = "its database is no number"
PORT = "its port is no number from 1 to 65535"
SPACE = "white space"
UNUSABLE = [
    *(
        (f"redis://h/{each}", DATABASE)
        for each in ("abc", "-1", "1.5", "1/2", "٣", "0x1", "%31", "+1")
    ),
    *((f"redis://h?db={each}", DATABASE) for each in ("x", "-1", "", "1&db=x", "%D9%A3")),
    *(("unix:///run/redis.sock?db=x", DATABASE), ("redis://h/1?db=2", "two databases")),
    *((f"redis://h:{each}/0", PORT) for each in ("0", "00", "65536", "x", "-1", "", "6379x")),
    *((f"redis://{each}", "no host") for each in ("", "/0", ":6379", ":p@", ":p@:1/0", "@/0")),
    *((f"redis://{each}/0", "several hosts") for each in ("a,b", "a:1,b:2", ":p@a,b")),
    *((f"{each}redis://h", SPACE) for each in (" ", "\n", "\t")),
    *((f"redis://h/0{each}", SPACE) for each in (" ", "\n", "\r\n", "\t", "\x00", "\u2003")),
    *((f"redis://{each}/0", SPACE) for each in ("h\n", "h\t:1", "\rh", ":p\nq@h")),
    *(("unix://", "path of a socket"), ("unix://h/x", "path of a socket")),
    *(
        (f"redis+sentinel://h{each}", "does not name the master")
        for each in ("", "/", "//0", "/a b")
    ),
    *((f"redis+sentinel://h/m/{each}", DATABASE) for each in ("x", "-1", "1/2", "1?db=x")),
    *((f"redis+sentinel://{each}/m", "no host") for each in ("", "h,", ":1", ":p@", "h,:1")),
    *((f"redis+sentinel://h,i:{each}/m", PORT) for each in ("0", "x", "", "65536")),
    *(
        (f"redis+sentinel://h/m?{each}=1", "an option too many, sentinels say")
        for each in ("host", "port")
    ),
    *(("redis+sentinel://h/m/1?db=2", "two databases"), ("redis+sentinel://h/m?db=", DATABASE)),
    *(("redis+sentinel://h/m?sentinel_password=", "sentinel_password of it has no value"),),
    *(("redis://h?sentinel_password=x", "an option too many, only redis"),),
    *(("redis://h?ssl_cert_reqs=", "has no value"), ("rediss://h?password", "has no value")),
    *(
        ("'redis://h'", "begins with none"),
        ("", "begins with none"),
        ("h:6379", "begins with none"),
    ),
]


@pytest.mark.parametrize(("url", "why"), UNUSABLE)
def test_what_redis_py_would_misread_is_refused_in_one_line(url, why):
    for make in (connection_pool, Producer):
        with pytest.raises(RedisUnavailable, match=why) as raised:
            make(url)
        assert "\n" not in str(raised.value)


DATABASES = [
    *(("redis://h", None), ("redis://h/", None), ("redis://h/3", 3), ("redis://h/3/", 3)),
    *(("redis://h?db=3", 3), ("redis://h/3?db=3", 3), ("redis://[::1]:7/2", 2)),
    *(
        ("redis+sentinel://h/m", None),
        ("redis+sentinel://h,i/m/3", 3),
        ("redis+sentinel://h/m?db=3", 3),
    ),
    *(("unix:///run/redis.sock?db=4", 4), ("redis://me:a%20%2Fb@h_1.x-y:65535/15", 15)),
]

NO_OPTION = "it has an option that no URL can have"


@pytest.mark.parametrize(
    ("query", "why"),
    [
        ("socket_timeot=5", f"{NO_OPTION} (did you mean socket_timeout?)"),
        ("sl_ca_certs=/x", f"{NO_OPTION} (did you mean ssl_ca_certs?)"),
        ("hunter2=1", NO_OPTION),
        ("socket_timeout=hunter2", "its socket_timeout has no such value"),
        ("max_connections=hunter2", "its max_connections has no such value"),
        ("socket_timeout=", "socket_timeout of it has no value"),
        ("ssl_cert_reqs=", "ssl_cert_reqs of it has no value"),
        ("hunter2=", "an option of it has no value"),
        (
            "ssl_ca_cert=/x",
            "it has an option that redis-py does not know (did you mean ssl_ca_certs?)",
        ),
        ("ssl_hunter2=/x", "it has an option that redis-py does not know"),
        ("ssl_ca_certs=/hunter2", "ssl_ca_certs cannot be used: FileNotFoundError"),
        ("ssl_cert_reqs=hunter2", "ssl_cert_reqs cannot be used: RedisError"),
        (
            "ssl_certfile=/hunter2&ssl_keyfile=/hunter2",
            "ssl_certfile, ssl_keyfile cannot be used: FileNotFoundError",
        ),
    ],
)
def test_the_option_that_is_wrong_is_named_by_its_known_name(query, why):
    with pytest.raises(RedisUnavailable) as raised:
        Producer(f"rediss://h?{query}")
    said = str(raised.value)
    assert said.endswith(f" is not a Redis URL: {why}; write redis://HOST:PORT/DATABASE")
    assert MARKER not in f"{said} {raised.value.url}"


@pytest.mark.parametrize("given", ["localhost", "localhost:6379", "hunter2"])
def test_what_is_no_url_is_not_quoted(given):
    with pytest.raises(RedisUnavailable) as raised:
        Producer(given)
    assert str(raised.value) == (
        "what names the server is not a Redis URL: it begins with none of redis://, rediss://, "
        "unix://, redis+sentinel://; write redis://HOST:PORT/DATABASE"
    )


def test_an_option_of_tls_wants_its_scheme():
    with pytest.raises(RedisUnavailable, match=r"only rediss:// has: ssl_ca_certs; write"):
        Producer("redis://h?ssl_ca_certs=/x")


@pytest.mark.parametrize(("url", "database"), DATABASES)
def test_what_is_a_database_is_taken(url, database):
    assert connection_pool(url).connection_kwargs.get("db") == database


def test_a_url_of_sentinels_says_what_each_connection_is_made_with():
    pool = connection_pool(
        "rediss+sentinel://me:p%2Fw@h,i:7/m/3?sentinel_username=s&sentinel_password=q%26"
        "&ssl_cert_reqs=none&client_name=kitchen"
    )
    options, asked = pool.connection_kwargs, pool.sentinel_manager
    assert (options["username"], options["password"], options["db"]) == ("me", "p/w", 3)
    assert (options["client_name"], options["ssl_cert_reqs"]) == ("kitchen", "none")
    assert (pool.service_name, asked.places) == ("m", (("h", 26379), ("i", 7)))
    assert (asked.options["username"], asked.options["password"]) == ("s", "q&")
    assert asked.options["ssl_cert_reqs"] == "none"
    assert not {"host", "port", "sentinel_password"} & options.keys()
    assert isinstance(pool.make_connection(), SSLConnection)
    plain = connection_pool("redis+sentinel://h/m").make_connection()
    assert not isinstance(plain, SSLConnection)


@pytest.mark.parametrize(
    "command", [["worker", "jobs"], ["worker", "jobs", "--processes", "0"], ["health"]]
)
@pytest.mark.parametrize("url", ["redis://localhost/abc", "redis://localhost/0\n"])
def test_the_command_line_refuses_it_in_one_line(command, url):
    found = {**os.environ, "GATHERQ_REDIS_URL": url}
    ended = subprocess.run(
        gatherq(*command),
        check=False,
        cwd=HERE / "e2e",
        env=found,
        capture_output=True,
        text=True,
        timeout=30,
    )
    assert ended.returncode == 1
    (line,) = (ended.stdout + ended.stderr).splitlines()
    assert "is not a Redis URL: " in line
