"""Questions to a server without redis-py: the URLs that are read here, and what a server may do."""

import socket
import threading
from contextlib import contextmanager

import pytest
from redis import Redis
from redis.connection import parse_url

from gatherq.contract.keys import KeySpace
from gatherq.store.server import probe
from gatherq.store.server.probe import simple_address
from gatherq.store.workers import probe_alive
from gatherq.testing.server import embedded_server, free_port

SIMPLE = [
    "redis://h",
    "redis://h:1234/3",
    "redis://h/2?db=2",
    "redis://h/",
    "redis://:p%2Fw%40@h:1/0",
    "redis://me:p%C3%A9@127.0.0.1:1",
    "redis://me@[::1]:7/1",
    "unix:///run/redis.sock",
    "unix://me:pw@/run/a%20b.sock?db=4",
]


@pytest.mark.parametrize("url", SIMPLE)
def test_a_simple_url_is_read_as_redis_py_reads_it(url):
    found = simple_address(url)
    theirs = parse_url(url)
    assert found
    assert found.host == theirs.get("host", "")
    assert found.path == theirs.get("path", "")
    assert found.port == (0 if found.path else theirs.get("port", 6379))
    assert found.database == theirs.get("db", 0)
    assert (found.username, found.password) == (
        theirs.get("username", ""),
        theirs.get("password", ""),
    )


@pytest.mark.parametrize(
    "url",
    [
        "rediss://h",
        "redis+sentinel://h/m",
        "redis://h?socket_timeout=3",
        "redis://h?username=me",
        "redis://h:x",
        "http://h",
        "",
        "redis://h/zero",
    ],
)
def test_the_rest_is_left_to_redis_py(url):
    assert simple_address(url) is None
    assert probe.ask(url, [("PING",)], 1.0) is None


@contextmanager
def server_that(answers):
    """Yield the URL of a server that makes `answers` of each connection."""
    with socket.create_server(("127.0.0.1", 0)) as listening:

        def serve():
            connection, _ = listening.accept()
            with connection:
                answers(connection)

        thread = threading.Thread(target=serve)
        thread.start()
        yield f"redis://127.0.0.1:{listening.getsockname()[1]}"
        thread.join(10)


def test_replies_may_come_in_pieces():
    def in_pieces(connection):
        connection.recv(1000)
        for byte in b"+PONG\r\n*2\r\n$1\r\na\r\n$-1\r\n":
            connection.sendall(bytes([byte]))

    with server_that(in_pieces) as url:
        assert probe.ask(url, [("PING",), ("ANY",)], 5.0) == [b"PONG", [b"a", None]]


@pytest.mark.parametrize(
    "reply",
    [b"-NOAUTH Authentication required.\r\n", b"", b"HTTP/1.1 400 Bad Request\r\n\r\n", b"+PO"],
    ids=["refuses", "closes", "is none", "dies"],
)
def test_a_server_that_answers_otherwise_is_left_to_redis_py(reply):
    def answers(connection):
        connection.recv(1000)
        connection.sendall(reply)

    with server_that(answers) as url:
        assert probe.ask(url, [("PING",)], 5.0) is None


def test_a_server_that_is_not_there_is_left_to_redis_py():
    assert probe.ask(f"redis://127.0.0.1:{free_port()}", [("PING",)], 5.0) is None
    assert probe.ask("unix:///nowhere/redis.sock", [("PING",)], 5.0) is None


def test_silence_is_told_of_in_redis_pys_words():
    ended = threading.Event()
    with server_that(lambda connection: ended.wait(10)) as url:
        with pytest.raises(TimeoutError, match=r"Timeout reading from 127\.0\.0\.1:\d+"):
            probe.ask(url, [("PING",)], 0.05)
        ended.set()


def test_a_name_server_that_is_away_is_waited_for_no_longer(monkeypatch):
    ended = threading.Event()
    monkeypatch.setattr(socket, "create_connection", lambda *address: ended.wait(10))
    with pytest.raises(TimeoutError, match="Timeout connecting to server"):
        probe.ask("redis://some.name", [("PING",)], 0.05)
    ended.set()


def test_user_password_and_database_are_those_of_the_url():
    with embedded_server(free_port()) as (url, _), Redis.from_url(url) as redis:
        place = url.removeprefix("redis://").rpartition("/")[0]
        redis.execute_command("ACL", "SETUSER", "me", "on", ">p/é", "~*", "&*", "+@all")
        redis.config_set("requirepass", "secret")
        signed = Redis.from_url(f"redis://:secret@{place}/3")
        seconds, _ = signed.time()
        signs = {"a": seconds * 1000, "b": (seconds - 60) * 1000, b"\xff": seconds * 1000}
        signed.zadd(KeySpace("q").workers, signs)
        signed.close()
        for who in (":secret", "me:p%2F%C3%A9"):
            found = probe_alive(f"redis://{who}@{place}/3", "q", 5.0)
            assert sorted(name for name, _ in found) == ["\\xff", "a"]
            assert all(0 <= age < 5 for _, age in found)
            assert probe_alive(f"redis://{who}@{place}/2", "q", 5.0) == []
        for who in ("", ":wrong@", "me:wrong@"):
            assert probe_alive(f"redis://{who}{place}/3", "q", 5.0) is None
