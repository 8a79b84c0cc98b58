"""The health port: what is answered, and to whom."""

import http.client
import socket
from time import monotonic

import pytest

from gatherq.testing.server import free_port
from gatherq_worker.supervision import health_server
from gatherq_worker.supervision.health_server import HealthServer

from .pools import child, pool


@pytest.fixture(scope="module")
def new_server():
    made = []

    def make(host="127.0.0.1"):
        made.append(HealthServer(host, free_port()))
        return made[-1]

    yield make
    for server in made:
        server.shutdown()
        server.server_close()


@pytest.fixture(scope="module")
def server(new_server):
    return new_server()


def ask(server, path, method="GET"):
    connection = http.client.HTTPConnection(*server.server_address[:2], timeout=20)
    connection.request(method, path)
    answer = connection.getresponse()
    body = answer.read().decode()
    connection.close()
    return answer.status, body


def test_a_worker_that_takes_jobs_is_alive_and_ready(server):
    server.tell(pool(child()))
    assert ask(server, "/livez") == (200, "alive\nprocess 7: running\n")
    assert ask(server, "/readyz?verbose") == (200, "ready\nprocess 7: running\n")


def test_it_says_which_process_takes_no_jobs_and_why(server):
    server.tell(pool(child(heard=6)))
    process = "process 7: away, no answer from Redis for 6 s\n"
    assert ask(server, "/livez") == (200, f"alive\n{process}")
    assert ask(server, "/readyz") == (503, f"not ready: no process takes jobs\n{process}")


def test_before_the_first_look_it_is_alive_and_not_ready(new_server):
    server = new_server()
    assert ask(server, "/livez")[0] == 200
    assert ask(server, "/readyz")[0] == 503


def test_a_loop_that_does_not_turn_is_told_by_the_thread_that_answers(server):
    server.tell(pool(child())._replace(at=monotonic() - 60))
    assert ask(server, "/livez")[0] == 503


def test_metrics_are_those_of_the_processes(server):
    server.tell(pool(child()))
    status, text = ask(server, "/metrics")
    assert status == 200
    assert 'gatherq_worker_ready{queue="q",worker="host.1.abc"} 1\n' in text


def test_a_head_has_no_body_and_other_paths_and_methods_are_refused(server):
    assert ask(server, "/livez", "HEAD") == (200, "")
    assert ask(server, "/") == (
        404,
        "there is nothing here; there are /livez, /readyz, /metrics\n",
    )
    assert ask(server, "/livez", "POST")[0] == 501


@pytest.mark.parametrize("junk", [b"\x16\x03\x01\x02\r\n\r\n", b"GET\r\n\r\n", b"\r\n\r\n", b""])
def test_junk_ends_with_its_connection(server, junk):
    with socket.create_connection(server.server_address, 20) as client:
        client.sendall(junk)
        client.shutdown(socket.SHUT_WR)
        while client.recv(4096):
            pass
    assert ask(server, "/livez")[0] == 200


def test_who_does_not_ask_keeps_nobody_waiting_and_is_let_go(server, monkeypatch):
    monkeypatch.setattr(health_server, "_PATIENCE", 0.2)
    with socket.create_connection(server.server_address, 20) as slow:
        slow.sendall(b"GET /livez HTTP/1.1\r\n")
        assert ask(server, "/livez")[0] == 200
        assert slow.recv(1) == b""


def test_clients_beyond_the_limit_are_turned_away_and_others_served_later(server):
    held = [socket.create_connection(server.server_address, 20) for _ in range(40)]
    assert [client.recv(1) for client in held[32:]] == [b""] * 8
    for client in held:
        client.close()
    while not served(server):  # the threads of those that are gone end one by one
        pass


def served(server):
    try:
        return ask(server, "/metrics")[0] == 200
    except ConnectionError:
        return False


def test_a_port_in_use_is_refused(server):
    with pytest.raises(OSError, match="in use"):
        HealthServer(*server.server_address)


@pytest.mark.skipif(not socket.has_ipv6, reason="there is no IPv6 here")
def test_an_address_of_ipv6_will_do(new_server):
    assert served(new_server("::1"))
