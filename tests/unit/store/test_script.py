"""How Lua steps are loaded and called: by the names of their headers, in the order of these."""

import re

import pytest
from redis.exceptions import NoScriptError

from gatherq.contract.keys import KeySpace
from gatherq.store.script import Script, script, scripts

KEYS = KeySpace("q")


class Redis:
    """Notes commands; has forgotten all scripts if it is told so."""

    def __init__(self, forgetful=False):
        self.commands, self.forgetful = [], forgetful

    async def execute_command(self, *command):
        self.commands.append(command)
        if self.forgetful and command[0] == "EVALSHA":
            raise NoScriptError
        return b"reply"


async def test_arguments_go_in_the_order_of_the_header():
    redis = Redis()
    release = script("job/release_claims").bind(redis, KEYS)
    assert await release(claims=["b:0", 1]) == b"reply"
    digest = script("job/release_claims").digest
    fixed = (KEYS.queue, KEYS.wake, KEYS.channel, KEYS.events)
    assert redis.commands == [("EVALSHA", digest, 2, *fixed, "b:0", 1)]


async def test_a_step_that_redis_has_forgotten_is_sent_whole():
    redis = Redis(forgetful=True)
    await script("job/release_claims").bind(redis, KEYS)(claims=[])
    (_, _, *arguments), again = redis.commands
    assert again == ("EVAL", script("job/release_claims").source, *arguments)


@pytest.mark.parametrize(
    ("named", "missing", "unknown"),
    [
        ({}, "['claims']", "[]"),
        ({"claim": []}, "['claims']", "['claim']"),
        ({"claims": [], "queue": "another"}, "[]", "['queue']"),
        ({"claims": [], "more": 1}, "[]", "['more']"),
    ],
)
async def test_a_call_names_exactly_what_is_free(named, missing, unknown):
    redis = Redis()
    with pytest.raises(TypeError) as raised:
        await script("job/release_claims").bind(redis, KEYS)(**named)
    assert str(raised.value) == f"job/release_claims.lua: missing {missing}, unknown {unknown}"
    assert redis.commands == []


def test_a_constant_that_a_step_does_not_take_is_refused_at_once():
    with pytest.raises(TypeError, match=r"job/release_claims\.lua takes no lease"):
        script("job/release_claims").bind(Redis(), KEYS, lease=5)


def test_the_first_line_declares_what_the_step_takes():
    first, _ = script("job/release_claims").source.split("\n", 1)
    assert first == (
        "local queue, wake, channel, events, before_claims = KEYS[1], KEYS[2], ARGV[1], ARGV[2], 2"
    )


def test_prefixes_of_keys_stand_in_their_places_as_texts():
    code = "\n".join(
        line.partition("--")[0] for line in script("job/claim_jobs").source.split("\n")
    )
    assert "prefix" not in code
    assert "'arq:job:' .. id" in code
    assert f"'{KEYS.prefixes['lane_wake']}' .. queue" in code


def test_a_list_goes_on_behind_a_comma():
    claim = script("job/claim_jobs")
    assert claim.argv[-1] == "lanes"
    assert claim.rest == "passing"


def test_steps_are_loaded_once_and_differ():
    assert script("job/claim_jobs") is script("job/claim_jobs")
    digests = {each.digest for each in scripts()}
    assert len(digests) == len(scripts()) >= 14


@pytest.mark.parametrize(
    ("source", "message"),
    [
        ("-- Does it.\n-- KEYS: queue\n", "no line '-- ARGV: '"),
        ("-- Does it.\n-- KEYS: queue, queue\n-- ARGV: a\n", "'queue' is no name, or is there"),
        ("-- Does it.\n-- KEYS: queue\n-- ARGV: 1 batch\n", "'1 batch' is no name"),
        ("-- Does it.\n-- KEYS: queue\n-- ARGV: ...a, b\n", "'...a' is no name"),
    ],
)
def test_a_header_that_cannot_be_read_is_refused(source, message):
    with pytest.raises(ValueError, match=re.escape(message)):
        Script("step", source)
