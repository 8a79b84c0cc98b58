"""Acting from a shell: what is asked, what is done, what is said, with a real worker."""

import json

import pytest

from gatherq import Failed, call

from ..conftest import lines_of, until
from .acting_shell import ActingShell


@pytest.fixture
def shell(server_url, queue, tmp_path):
    return ActingShell(server_url, queue, tmp_path)


async def test_redrive_runs_again_what_is_chosen(producer, start_worker, shell, queue, tmp_path):
    start_worker()
    name, there = f"shopping-{queue[-8:]}", tmp_path / "there"
    needs = [call("needs", str(there), n) for n in range(4)]
    calls = [*needs, call("fail", "hopeless"), call("echo", 1)]
    async with until(60):
        batch = await producer.submit(calls, batch_id=name)
        outcomes = await batch.outcomes()
        error = outcomes[0].signature

        said = await shell.run("redrive", name, "--dry-run")
        assert said == (
            0,
            f"would redrive 5 slots of batch {name} (5 failed); nothing was done\n",
            "",
        )

        said = await shell.run("redrive", name, f"error:{error}")
        assert said.code == 6
        assert said.err == (
            f"Error: this would redrive 4 slots of batch {name} (4 failed); give --yes to do it, "
            "--dry-run to look\n"
        )
        assert await batch.outcomes() == outcomes

        there.touch()
        said = await shell.on_terminal("redrive", f"{name}:0-1", answer="y\n")
        assert said.code == 0
        assert said.lines[0] == f"Redrive 2 slots of batch {name} (2 failed)? [y/N]: y"
        assert said.lines[1].startswith(
            f"redrove 2 slots of batch {name}; follow it: gatherq watch"
        )
        statuses = [each.status for each in await batch.outcomes()]
        assert statuses == [*["succeeded"] * 2, *["failed"] * 3, "succeeded"]

        said = await shell.run(
            "--json", "redrive", name, "job:needs", f"error:{error}", "-args.1:3", "--yes"
        )
        assert said.code == 0, said
        assert json.loads(said.out) == {
            "action": "redrive",
            "batch": name,
            "slots": 1,
            "statuses": {"failed": 1},
            "dry_run": False,
        }
        statuses = [each.status for each in await batch.outcomes()]
        assert statuses == [*["succeeded"] * 3, *["failed"] * 2, "succeeded"]

        said = await shell.run("redrive", name, "status:succeeded", "--yes")
        assert said == (
            0,
            f"nothing to redrive: no slot that matches of batch {name} has ended without success\n",
            "",
        )
        said = await shell.run("redrive", name, "-args.n:1", "--yes")
        assert said.out == (
            f"nothing to redrive: no slot that matches of batch {name} has ended without success "
            "(no argument `n`: positional arguments are args.0, args.1, ...)\n"
        )
        said = await shell.run("redrive", name, "-y")
        assert said.out.startswith(f"redrove 2 slots of batch {name}")
        last = await batch.outcomes()
        assert isinstance(last[4], Failed)
        assert last[3].status == "succeeded"


async def test_cancel_says_who_did_it(producer, start_worker, shell, tmp_path):
    log = tmp_path / "log"
    start_worker("--concurrency", "1")
    async with until(60):
        batch = await producer.submit(
            [call("linger", str(log)), *[call("echo", n) for n in range(3)]]
        )
        await lines_of(log, 1)
        said = await shell.on_terminal("cancel", batch.id, answer="n\n")
        assert said.code == 6
        assert f"Cancel 4 slots of batch {batch.id} (3 queued, 1 running)? [y/N]: n" in said.out
        assert "not confirmed, nothing was done" in said.out

        said = await shell.on_terminal("cancel", batch.id, answer="\x03")
        assert said.code == 130

        said = await shell.run("cancel", f"{batch.id}:3", "-y", "--by", "the cook")
        assert said.out.startswith(f"cancelled 1 slot of batch {batch.id}")
        said = await shell.run("cancel", batch.id, "-y", "--by", "the other cook")
        assert said.out.startswith(f"cancelled 3 slots of batch {batch.id}")
        by = [each.by for each in await batch.outcomes()]
        assert by == [*["the other cook"] * 3, "the cook"]

        said = await shell.run("cancel", batch.id, "-y")
        assert said.code == 0
        assert said.out == f"nothing to cancel: no slot of batch {batch.id} is unfinished\n"


async def test_a_batch_of_another_queue_is_acted_on_in_its_own(producer, shell, queue):
    shell.environment["GATHERQ_QUEUE"] = "elsewhere"
    async with until(60):
        batch = await producer.submit([call("nobody")])
        said = await shell.run("cancel", f"{batch.id}:0", "-y")
        assert (said.code, said.err) == (0, "")
        (outcome,) = await batch.outcomes()
        assert outcome.status == "cancelled"
        assert await producer.redis.zcard(queue) == 0


async def test_rm_and_keep(producer, start_worker, shell, tmp_path):
    log = tmp_path / "log"
    start_worker()
    async with until(60):
        done = await producer.submit([call("echo", 1), call("echo", 2)])
        await done.outcomes()
        running = await producer.submit([call("linger", str(log))])
        await lines_of(log, 1)

        said = await shell.run("keep", done.id, "7d", "-y")
        assert (said.code, said.out) == (0, f"kept batch {done.id} for 7d from now on\n")
        seconds = await producer.redis.ttl(f"gatherq:batch:{done.id}")
        assert 7 * 86_400 - 60 < seconds <= 7 * 86_400 * 9 / 8

        said = await shell.run("rm", done.id, "nothing-of-that-name", "-y")
        assert (said.code, said.out) == (3, "")
        assert await producer.redis.exists(f"gatherq:batch:{done.id}")

        said = await shell.run("rm", "@", done.id, done.id, "--dry-run")
        assert said.out == (
            f"would remove 2 batches ({running.id}, {done.id}) of 3 slots, 1 NOT FINISHED: "
            "1 run and will be cancelled; nothing was done\n"
        )
        said = await shell.run("rm", "@", done.id, "--yes", "--json")
        assert said.code == 0
        assert [(each["batch"], each["statuses"]) for each in json.loads(said.out)] == [
            (running.id, {"running": 1}),
            (done.id, {"succeeded": 2}),
        ]
        assert (await lines_of(log, 2))[1] == "cancelled"
        said = await shell.run("--json", "rm", done.id, "-y")
        assert said.code == 3
        assert json.loads(said.err)["error"]["code"] == "batch_not_found"


async def test_what_cannot_be_asked_is_said_as_json_too(producer, shell):
    async with until(60):
        batch = await producer.submit([call("nobody")])
        said = await shell.run("--json", "rm", batch.id)
        assert (said.code, said.out) == (6, "")
        error = json.loads(said.err)["error"]
        assert error["code"] == "unconfirmed"
        assert error["hint"] == "give --yes to do it, --dry-run to look"


@pytest.mark.parametrize(
    "words",
    [
        ("rm", "{}:0", "-y"),
        ("keep", "{}:0", "1h", "-y"),
        ("watch", "{}:0"),
        ("report", "{}:0", "-o", "-"),
        ("trace", "{}:0", "-o", "-"),
    ],
)
async def test_what_is_about_whole_batches_takes_no_slots(producer, shell, words):
    batch = await producer.submit([call("echo", 1)])
    said = await shell.run(*(word.format(batch.id) for word in words))
    assert (said.code, said.out) == (2, "")
    assert said.err == (
        f"Error: '{batch.id}:0' names slots, and this is about a whole batch: write {batch.id}\n"
    )
    assert (await batch.counts()).size == 1


async def test_a_time_that_is_none_is_refused_by_the_name_of_its_argument(shell):
    said = await shell.run("keep", "@", "1x", "-y")
    assert said.err.startswith("Error: TIME: '1x' is no duration: write 250ms")
