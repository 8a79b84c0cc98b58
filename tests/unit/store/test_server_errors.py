"""Which errors of Redis are waited for, and what is said about them."""

import traceback

import pytest
from redis._parsers.base import BaseParser
from redis.exceptions import ConnectionError as RedisConnectionError
from redis.exceptions import TimeoutError as RedisTimeoutError

from gatherq import Producer
from gatherq.errors import RedisUnavailable
from gatherq.store.server.errors import code, is_poison, is_transient, unavailable

PASSING = {
    "UNBLOCKED force unblock from blocking operation, instance state changed": "replica",
    "READONLY You can't write against a read only replica.": "replica",
    "-READONLY You can't write against a replica. script: 1a, on @user_script:3.": "replica",
    "LOADING Redis is loading the dataset in memory": "reading its data",
    "BUSY Redis is busy running a script. You can only call SCRIPT KILL": "SCRIPT KILL",
    "MISCONF Redis is configured to save RDB snapshots": "disk",
    "OOM command not allowed when used memory > 'maxmemory'.": "maxmemory",
    "ERR Error running script (call to f_1a): @user_script:40: @user_script: 40: "
    "-OOM command not allowed when used memory > 'maxmemory'.": "maxmemory",
    "ERR Error running script (call to f_1a): @user_script:40: "
    "-MISCONF Redis is configured to save RDB snapshots": "disk",
    "ERR Error running script (call to f_1a): @user_script:2: @user_script: 2: "
    "-NOREPLICAS Not enough good replicas to write.": "replicas",
    "NOREPLICAS Not enough good replicas to write.": "min-replicas-to-write",
    "MASTERDOWN Link with MASTER is down and replica-serve-stale-data is set to 'no'.": "master",
    "CLUSTERDOWN Hash slot not served": "cluster",
    "TRYAGAIN Multiple keys request during rehashing of slot": "cluster",
    "ERR max number of clients reached": "maxclients",
    "ERR max number of clients + cluster connections reached": "maxclients",
}
LASTING = {
    "NOAUTH Authentication required.": "check user and password",
    "WRONGPASS invalid username-password pair or user is disabled.": "check user and password",
    "ERR invalid password": "check user and password",
    "NOPERM this user has no permissions to run the 'xadd' command": "ACL SETUSER",
    "NOPERM No permissions to access a key": "ACL SETUSER",
    "WRONGTYPE Operation against a key holding the wrong kind of value": "another program",
    "-WRONGTYPE Operation against a key script: 1a, on @user_script:3.": "another program",
    "ERR Error running script (call to f_1a): @user_script:3: "
    "-WRONGTYPE Operation against a key": "another program",
    "ERR unknown command 'EVALSHA', with args beginning with": "Redis 6.2",
    "ERR DB index is out of range": "database number",
    "ERR OOM, it says": "is that its URL?",  # a word of the text is no code
    "MOVED 3999 127.0.0.1:6381": "Redis Cluster",
    "ASK 3999 127.0.0.1:6381": "Redis Cluster",
    "CROSSSLOT Keys in request don't hash to the same slot": "Redis Cluster",
}


@pytest.mark.parametrize(("reply", "advice"), [*PASSING.items(), *LASTING.items()])
def test_each_refusal_is_told_apart_and_advised(reply, advice):
    error = BaseParser.parse_error(reply)
    assert is_transient(error) is (reply in PASSING)
    mendable = ("NOAUTH", "WRONGPASS", "NOPERM", "WRONGTYPE", "ERR invalid password")
    lasts_for_all = reply.removeprefix("-").startswith(mendable) or "-WRONGTYPE" in reply
    assert is_poison(error) is not (reply in PASSING or lasts_for_all)
    text = str(unavailable(error, "redis://user:secret@host:1/0"))
    assert advice in text.partition(f"{str(error).removesuffix('.')}; ")[2]
    assert "secret" not in text


@pytest.mark.parametrize(
    "error",
    [
        RedisConnectionError("reset"),
        RedisTimeoutError("silent"),
        OSError("no route"),
        TimeoutError(),
    ],
)
def test_a_lost_connection_is_waited_for(error):
    assert is_transient(error)
    assert code(error) == ""


@pytest.mark.parametrize("error", [None, ValueError("OOM no"), KeyError("BUSY")])
def test_what_is_no_error_of_redis_is_not_waited_for(error):
    assert not is_transient(error)
    assert code(error) == ""


async def test_a_server_that_is_not_there_is_told_in_short():
    with pytest.raises(RedisUnavailable) as caught:
        async with Producer("redis://127.0.0.1:1"):
            pass
    printed = "".join(traceback.format_exception(caught.value))
    assert printed.count("Traceback (most recent call last)") == 1
    assert len(traceback.extract_tb(caught.value.__traceback__)) == 3  # this, and two of ours
    assert isinstance(caught.value.__context__, RedisConnectionError)


@pytest.mark.parametrize("host", ["localhost", "127.0.0.1", "[::1]"])
def test_who_has_no_server_is_told_of_one(host):
    text = str(unavailable(RedisConnectionError("Error 111"), f"redis://{host}:6379"))
    assert text == (
        f"cannot use Redis at redis://{host}:6379: Error 111; is a server running there? "
        "`gatherq dev MODULE` starts one, and `gatherq.local()` has one for a block of code"
    )


@pytest.mark.parametrize("url", ["redis://cache:6379", "unix:///run/redis.sock"])
def test_a_server_of_another_machine_or_file_is_asked_for_by_its_url(url):
    text = str(unavailable(RedisConnectionError("no route"), url))
    assert text == (
        f"cannot use Redis at {url}: no route; is the server running, and is that its URL?"
    )
