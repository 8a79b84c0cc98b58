"""What arq's settings and pools make of URLs that are odd, or hold a password."""

import pytest
import trustme
from hypothesis import given, settings
from hypothesis import strategies as st
from redis.asyncio import ConnectionPool
from redis.asyncio.connection import UnixDomainSocketConnection

from gatherq.errors import RedisUnavailable
from gatherq.store.server.connection import connection_pool
from gatherq_worker.arq.connection import redis_settings, url_of

from ..store.test_urls import DATABASES, MARKER, SCHEMES, SHAPES, UNUSABLE, said


@settings(deadline=None)  # a loaded machine is slow
@given(st.sampled_from(SHAPES), st.sampled_from(SCHEMES))
def test_a_password_is_never_said(shape, scheme):
    for text in said(shape.format(s=scheme, p=MARKER), redis_settings):
        assert MARKER not in text.lower()


@pytest.mark.parametrize(("url", "why"), UNUSABLE)
def test_what_redis_py_would_misread_is_refused_in_one_line(url, why):
    with pytest.raises(RedisUnavailable, match=why) as raised:
        redis_settings(url)
    assert "\n" not in str(raised.value)


@pytest.mark.parametrize(("url", "database"), DATABASES)
def test_what_is_a_database_is_taken(url, database):
    assert redis_settings(url).database == (database or 0)


def test_all_options_of_tls_are_taken(tmp_path):
    authority, files = trustme.CA(), [tmp_path / f"{name}.pem" for name in ("ca", "key", "cert")]
    mine = authority.issue_cert("client@example.org")
    blobs = [authority.cert_pem, mine.private_key_pem, mine.cert_chain_pems[0]]
    for file, blob in zip(files, blobs, strict=True):
        blob.write_to_path(file)
    names = [str(file) for file in files]
    options = "ssl_ca_certs={}&ssl_keyfile={}&ssl_certfile={}".format(*names)
    found = redis_settings(f"rediss://h?{options}")
    assert (found.ssl, found.ssl_check_hostname) == (True, True)
    assert [found.ssl_ca_certs, found.ssl_keyfile, found.ssl_certfile] == names


@pytest.mark.parametrize(
    ("options", "same"),
    [
        ({"host": "h", "port": 7, "db": 3, "username": "me", "password": "a/b@c"}, True),
        ({"host": "::1"}, True),
        ({"host": "an odd,host"}, False),
        ({"host": "h", "credential_provider": object()}, False),
    ],
)
def test_a_pool_has_a_url_that_can_be_read_again_or_none(options, same):
    url = url_of(ConnectionPool(**options))
    assert (url is not None) is same
    if url:
        again = connection_pool(url).connection_kwargs
        assert {name: again[name] for name in options} == options


def test_the_path_of_a_socket_is_written_so_that_it_is_read_again():
    path = "/run/a@b?c#d e/redis.sock"
    pool = ConnectionPool(connection_class=UnixDomainSocketConnection, path=path, password="p")
    url = url_of(pool)
    assert url
    assert connection_pool(url).connection_kwargs["path"] == path
