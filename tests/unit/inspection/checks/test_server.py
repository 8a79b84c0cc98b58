"""What is said of a server, by what it tells of itself."""

from dataclasses import replace

import pytest

from gatherq.inspection.checks.safety import check_safety
from gatherq.inspection.checks.server import check_server
from gatherq.store.inspection.server_report import ServerReport

INFO = {
    "redis_version": "7.0.15",
    "role": "master",
    "connected_clients": "8",
    "maxmemory": "0",
    "maxmemory_policy": "noeviction",
    "used_memory": "900",
    "evicted_keys": "0",
    "aof_enabled": "1",
}
CONFIG = {"bind": "0.0.0.0", "protected-mode": "no", "maxclients": "100", "timeout": "0"}
WELL = ServerReport(INFO, CONFIG, "gq", False, [0.0002] * 50, 0.01)
URL = "rediss://redis.example:6380/0"


def findings(url=URL, info=None, **report):
    config = CONFIG | report.pop("config", {})
    report = replace(WELL, info=INFO | (info or {}), config=config, **report)
    return {each.code: each for each in (*check_server(report), *check_safety(report, url))}


def test_a_server_that_is_well():
    found = findings()
    assert {each.level for each in found.values()} == {"ok"}
    assert found["server"].text == "Redis 7.0.15"
    assert found["clients"].text == "8 of 100 connections are in use"
    assert found["access"].text == "a password is wanted; we are gq"


@pytest.mark.parametrize(
    ("info", "code", "level", "says"),
    [
        ({"redis_version": "6.0.16"}, "server", "problem", "Redis 6.0.16 is too old"),
        ({"redis_version": "junk"}, "server", "problem", "too old"),
        ({"redis_version": "6.2.0"}, "server", "ok", "Redis 6.2.0"),
        ({"server_name": "valkey", "valkey_version": "9.1"}, "server", "ok", "Valkey 9.1"),
        ({"role": "slave"}, "role", "problem", "replica"),
        ({"cluster_enabled": "1"}, "role", "problem", "Cluster"),
        ({"loading": "1"}, "role", "problem", "reading its data"),
        ({"connected_clients": "90"}, "clients", "warning", "90 of 100"),
        ({"maxmemory_policy": "allkeys-lru"}, "eviction", "warning", "once maxmemory is set"),
        (
            {"maxmemory_policy": "volatile-ttl", "maxmemory": "1000"},
            *("eviction", "problem", "volatile-ttl: a full server throws"),
        ),
        ({"evicted_keys": "7"}, "eviction", "problem", "7 keys were thrown away"),
        ({"maxmemory": "1000", "used_memory": "950"}, "memory", "warning", "95% of maxmemory"),
        ({"maxmemory": "1000"}, "memory", "ok", "90% of maxmemory"),
        ({"aof_last_write_status": "err"}, "persistence", "problem", "last write to disk failed"),
        ({"rdb_last_bgsave_status": "err"}, "persistence", "problem", "last write to disk failed"),
    ],
)
def test_what_info_says(info, code, level, says):
    found = findings(info=info)[code]
    assert found.level == level
    assert says in found.text
    assert bool(found.hint) is (level != "ok")


@pytest.mark.parametrize(
    ("config", "says"),
    [
        ({"save": ""}, "nothing is kept where the server restarts"),
        ({"save": "3600 1"}, "a crash loses what came after the last save, 10s ago"),
        ({}, "a crash loses what came after the last save, 10s ago"),
    ],
)
def test_a_server_without_a_file_of_writes(config, says):
    info = {"aof_enabled": "0", "rdb_last_save_time": "100", "server_time_usec": "110000000"}
    found = findings(info=info, config=config)["persistence"]
    assert (found.level, found.text) == ("warning", says)


@pytest.mark.parametrize(
    ("config", "level", "says"),
    [
        ({"bind": "0.0.0.0"}, "problem", "no password, it listens on 0.0.0.0"),
        ({"bind": ""}, "problem", "no password, it listens on *"),
        ({"bind": "127.0.0.1 -::1"}, "ok", "it listens on 127.0.0.1 -::1 alone"),
        ({"bind": "127.0.0.1 10.0.0.7"}, "problem", "10.0.0.7"),
        ({"protected-mode": "yes"}, "ok", "for this machine alone"),
    ],
)
def test_a_server_without_a_password(config, level, says):
    found = findings(open_to_all=True, config=config)["access"]
    assert found.level == level
    assert says in found.text


@pytest.mark.parametrize(
    ("url", "level"),
    [
        ("redis://:pw@redis.example/0", "warning"),
        ("redis://localhost/0", "ok"),
        ("redis://127.0.0.1:6379/0", "ok"),
        ("redis://[::1]:6379/0", "ok"),
        ("unix:///run/redis.sock", "ok"),
        ("redis+sentinel://localhost,127.0.0.1:1/kitchen", "ok"),
        ("redis+sentinel://:pw@localhost,redis.example/kitchen", "warning"),
        ("rediss+sentinel://:pw@redis.example/kitchen", "ok"),
    ],
)
def test_encryption_is_missed_where_others_can_listen(url, level):
    found = findings(url)["encryption"]
    assert found.level == level
    assert "pw" not in found.text + found.hint


def test_slow_answers_a_wrong_clock_and_idle_connections():
    found = findings(latencies=[0.03] * 50, ahead=-2.0, config={"timeout": "300"})
    assert (found["latency"].level, found["clock"].level) == ("warning", "warning")
    assert found["clock"].text == "its clock is 2.0s behind this machine's"
    assert found["timeout"].text == "it closes connections that are idle for 300 s"


def test_steps_that_are_refused():
    found = findings(scripts={"cancel": "ERR Error compiling script"})["scripts"]
    assert (found.level, found.text) == (
        *("problem", "it refuses the step cancel: ERR Error compiling script"),
    )


def test_a_fake_server_is_told_from_a_user_without_rights():
    report = replace(WELL, info={}, refused={"INFO": "unknown command 'info', with args"})
    found = {each.code: each for each in check_server(report)}
    assert (found["server"].level, "a fake server" in found["server"].text) == ("warning", True)


def test_what_may_not_be_asked_is_said_so():
    denied = "this user has no permissions to run the 'script|load' command"
    report = ServerReport({}, {}, scripts={"cancel": denied})
    found = {each.code: each for each in (*check_server(report), *check_safety(report, URL))}
    assert {code for code, each in found.items() if each.level == "unchecked"} == {
        *("server", "scripts", "latency", "access"),
    }
    assert all(each.text.startswith("not checked: ") for each in found.values() if each.hint)
