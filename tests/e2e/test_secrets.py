"""Servers that want a password, and all that is said, listed and mapped around them.

The password holds characters that a URL writes otherwise; a part of it stands in both forms. The
environment of processes is excepted: it is where a password is given.
"""

import asyncio
import os
import re
import signal
import subprocess
import sys
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from urllib.parse import quote, unquote, urlsplit

import pytest
from redis import Redis

from gatherq.testing.server import embedded_server, free_port

from ..conftest import HERE, until

MARKER = "hunter2"
RIGHT, WRONG = f"top/{MARKER}@é", f"bad?{MARKER}#é"
#: What is run, and where it is told of its server.
CASES = [
    ("worker secretive", "environment"),
    ("worker secretive --processes 2", "option"),
    ("worker secretive", "file"),
    ("worker secretive --processes 0", "environment"),
    ("worker secretive --reload", "option"),
    ("worker secretive.FromURL -v", "settings"),
    ("worker secretive.FromURL", "option"),
    ("worker secretive.FromParts", "settings"),
]


@pytest.fixture(scope="module")
def guarded():
    """Yield the URL of a server with a default password and a user, without either."""
    with embedded_server(free_port()) as (url, _), Redis.from_url(url) as redis:
        # arq takes the password of a URL as it stands there, encoded.
        rights = f">{RIGHT}", f">{quote(RIGHT, safe='')}", "~*", "&*", "+@all"
        redis.execute_command("ACL", "SETUSER", "me", "on", *rights)
        redis.config_set("requirepass", RIGHT)
        yield url


def with_password(url, who, password):
    return url.replace("redis://", f"redis://{who}:{quote(password, safe='')}@")


def environment(url, how, queue, folder=None):
    """Return what a process finds, and the words that it is given."""
    found = {**os.environ, "SECRETIVE_QUEUE": queue, "COLUMNS": "200"}
    if how == "file":
        (folder / "password").write_text(unquote(urlsplit(url).password))
        url = re.sub(":[^:]*@", "@", url)
        found["GATHERQ_REDIS_PASSWORD_FILE"] = str(folder / "password")
        return {**found, "GATHERQ_REDIS_URL": url}, []
    if how == "settings":
        return {**found, "SECRETIVE_DSN": url}, []
    if how == "environment":
        return {**found, "GATHERQ_REDIS_URL": url}, []
    return found, ["--redis", url]


@asynccontextmanager
async def running(words, found, options):
    """Yield a process, and all that it says."""
    said = []
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "gatherq_worker", *words, *options),
        cwd=HERE / "e2e",
        env=found,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        start_new_session=True,
    )
    try:
        yield process, said
    finally:
        if process.returncode is None:
            process.terminate()
        said.append((await process.communicate())[0].decode())


async def heard(process, said, pattern):
    """Wait for a line."""
    while line := (await process.stdout.readline()).decode():
        said.append(line)
        if re.search(pattern, line):
            return
    raise AssertionError(f"{pattern!r} is not said:\n{''.join(said)}")


def family(pid):
    """Return a process and all below it."""
    found = [pid]
    for one in found:
        with suppress(FileNotFoundError):  # it has ended meanwhile
            found += map(int, Path(f"/proc/{one}/task/{one}/children").read_text().split())
    return found


def pages(pid):
    """Return what the shared memory of a process holds."""
    for fd in Path(f"/proc/{pid}/fd").iterdir():
        try:
            name = os.readlink(fd)
        except FileNotFoundError:  # closed meanwhile
            continue
        if "memfd:gatherq" in name:
            yield fd.read_bytes()


def listing(pids):
    words = ["ps", "-ww", "-o", "args=", "-p", ",".join(map(str, pids))]
    return subprocess.run(words, check=False, capture_output=True).stdout.decode(errors="replace")


def shows_nothing(text):
    where = text.find(MARKER)
    assert where < 0, text[max(where - 400, 0) : where + 100]


@pytest.mark.parametrize(("command", "way"), CASES)
async def test_a_wrong_password_is_not_said(guarded, command, way, queue, tmp_path):
    who = "me" if way == "option" else ""
    found, options = environment(with_password(guarded, who, WRONG), way, queue, tmp_path)
    async with until(30), running(command.split(), found, options) as (process, said):
        await heard(process, said, "Error: cannot use Redis at .*invalid username")
        for pid in family(process.pid)[1:]:
            shows_nothing(Path(f"/proc/{pid}/cmdline").read_text())
    shows_nothing("".join(said))
    assert f"127.0.0.1:{urlsplit(guarded).port}" in "".join(said)


@pytest.mark.parametrize(("command", "way"), CASES)
async def test_the_right_password_is_listed_and_mapped_nowhere(
    guarded, command, way, queue, tmp_path
):
    found, options = environment(with_password(guarded, "me", RIGHT), way, queue, tmp_path)
    async with until(30), running(command.split(), found, options) as (process, said):
        await heard(process, said, "ready: .* runs ")
        mine = family(process.pid)
        unread = mine[1:] if options else mine  # what its user typed is the user's affair
        listed = listing(unread)
        cmdlines = [Path(f"/proc/{pid}/cmdline").read_text() for pid in unread]
        shared = [page for pid in mine for page in pages(pid)]
    shows_nothing("".join([*said, listed, *cmdlines]))
    alone = "--processes 0" in command
    assert bool(shared) is not alone
    assert alone or "gatherq_worker" in listed
    for page in shared:
        assert MARKER.encode() not in page
        assert b"redis://" not in page


@pytest.mark.parametrize(("command", "way"), [CASES[1], CASES[5], CASES[7]])
async def test_a_supervisor_speaks_for_its_dead_without_a_word_of_it(guarded, command, way, queue):
    found, options = environment(with_password(guarded, "me", RIGHT), way, queue)
    words = [*command.split(), "-v"]
    async with until(60), running(words, found, options) as (process, said):
        for _ in range(2):  # the one that was started in its place as well
            await heard(process, said, "worker .* begins")
            for pid in family(process.pid)[1:]:
                with suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGKILL)
            await heard(process, said, "killed by SIGKILL.*; 0 jobs released")
    shows_nothing("".join(said))


@pytest.mark.parametrize(("who", "way"), [("", "environment"), ("me", "option"), ("me", "file")])
@pytest.mark.parametrize("password", [WRONG, RIGHT], ids=["wrong", "right"])
async def test_a_probe_says_no_password(guarded, who, way, password, queue, tmp_path):
    found, options = environment(with_password(guarded, who, password), way, queue, tmp_path)
    async with until(20), running(["health", "--ready"], found, options) as (process, said):
        await process.wait()
    shows_nothing("".join(said))
    assert ("invalid username-password" in "".join(said)) is (password is WRONG)
    assert ("no worker of" in "".join(said)) is (password is RIGHT)


PRODUCER = """
import asyncio, logging, os, traceback
logging.basicConfig(level=logging.DEBUG)
from gatherq import Producer, call
from gatherq.settings import Settings
from gatherq_worker.arq.connection import arq_pool, redis_settings
from gatherq_worker.arq.worker import Worker
from gatherq.store.server.connection import connection_pool

async def nothing(ctx): pass

async def main():
    url = os.environ["GATHERQ_REDIS_URL"]
    pool = connection_pool(url)
    producer = Producer()
    worker = Worker([nothing], redis_settings=redis_settings(url))
    shown = producer, Settings(), pool, arq_pool(pool, "q"), worker, producer.redis
    for each in shown:
        print(repr(each), str(each))
    try:
        Settings(keep=-1)
    except ValueError as error:
        traceback.print_exception(error)
    for verb in (producer.__aenter__, lambda: producer.gather(call("nothing"))):
        try:
            async with asyncio.timeout(1):
                await verb()
        except Exception as error:
            print(repr(error), vars(error))
            traceback.print_exception(error)
            logging.exception("failed")
    await worker.async_run()

asyncio.run(main(), debug=True)
"""


@pytest.mark.parametrize(("who", "password"), [("", WRONG), ("me", WRONG), ("me", RIGHT)])
async def test_a_producers_program_says_no_password(guarded, who, password, queue):
    found, _ = environment(with_password(guarded, who, password), "environment", queue)
    async with until(20):
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-u", "-c", PRODUCER),
            env={**found, "GATHERQ_QUEUE": queue},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
        )
        try:
            said = b""
            while b"Starting worker" not in said and b"arq/worker.py" not in said:
                line = await process.stdout.readline()
                if not line:
                    break
                said += line
        finally:
            if process.returncode is None:
                process.terminate()
        said = (said + (await process.communicate())[0]).decode()
    shows_nothing(said)
    assert "ConnectionPool" in said
    assert ("RedisUnavailable" in said) is (password is WRONG)


@pytest.mark.parametrize(
    "words",
    [
        ["worker", "redis://:{p}@h/0"],
        ["worker", "secretive", "--redis=redis://:{p}@h:x/0"],
        ["worker", "secretive", "--redis"],
        ["health", "--redis", "http://:{p}@h"],
        ["health", "redis://:{p}@h"],
        ["worker", "secretive", "redis://:{p}@h"],
        ["redis://:{p}@h"],
        ["worker", "secretive", "--processes=redis://:{p}@h"],
        ["worker", "secretive", "--custom-log-dict", "redis://:{p}@h"],
    ],
)
async def test_a_url_in_the_wrong_place_is_not_repeated(words, queue):
    words = [word.format(p=quote(RIGHT, safe="")) for word in words]
    async with until(20), running(words, dict(os.environ), []) as (process, said):
        pass_by = await process.wait()
    assert pass_by
    shows_nothing("".join(said))
