"""One job, or one for each line of a file, from a shell, with a real worker."""

import asyncio
import json
import re
import signal

import pytest

from ..conftest import lines_of, until
from .acting_shell import ActingShell


@pytest.fixture
def shell(server_url, queue, tmp_path):
    return ActingShell(server_url, queue, tmp_path)


async def test_call(start_worker, shell, producer, tmp_path):
    start_worker()
    async with until(60):
        said = await shell.run("call", "echo", '{"a": [1, "x"]}')
        assert said == (0, '{"a": [1, "x"]}\n', "")
        said = await shell.run("call", "sleep", "-k", "seconds=0.01", "--json")
        record = json.loads(said.out)
        assert (said.code, record["status"], record["value"]) == (0, "succeeded", 0.01)
        said = await shell.on_terminal("call", "echo", '"two\\nlines \\u001b[31m"')
        assert said == (0, "two\nlines \\x1b[31m\n", "")

        said = await shell.run("call", "fail", "tears")
        assert (said.code, said.out) == (1, "")
        first, second, *_, last = said.err.splitlines()
        assert (first, second) == ("Error: ValueError: tears", "Traceback (most recent call last):")
        assert last.strip() == "ValueError: tears"
        said = await shell.run("call", "sleep", "30", "--timeout", "100ms")
        assert (said.code, said.err) == (1, "Error: timed out: execution limit of 0.1 s\n")

        said = await shell.run("call", "echo", "3", "--detach")
        batch = await producer.batch(said.out.strip().removesuffix(":0"))
        assert [each.unwrap() for each in await batch.outcomes()] == [3]


async def test_ctrl_c_cancels_the_job_first(start_worker, shell, tmp_path):
    start_worker()
    log = tmp_path / "log"
    async with until(60):
        said = await shell.interrupted("call", "linger", str(log), when=lambda: lines_of(log, 1))
        assert (said.code, said.out) == (130, "")
        assert said.err == "cancelling the job; Ctrl-C once more leaves at once\n"
        assert (await lines_of(log, 2))[1] == "cancelled"


async def test_that_no_worker_is_there_is_said(shell, queue):
    async with until(60):
        process = await shell.start("call", "nobody")
        line = (await process.stderr.readline()).decode()
        assert line.startswith(f"Warning: no worker is on queue '{queue}'")
        process.send_signal(signal.SIGTERM)
        _, err = await process.communicate()
        assert (process.returncode, err.splitlines()[0][:18]) == (130, b"cancelling the job")


async def test_map_in_order(start_worker, shell, tmp_path):
    start_worker()
    file = tmp_path / "in.jsonl"
    async with until(60):
        file.write_text('[0.2]\n0.01\n["no number"]\n')
        said = await shell.run("map", "sleep", "in.jsonl")
        assert (said.code, said.err) == (1, "")
        records = [json.loads(line) for line in said.lines]
        assert [(each["slot"], each["status"]) for each in records] == [
            (0, "succeeded"),
            (1, "succeeded"),
            (2, "failed"),
        ]
        assert [each.get("value") for each in records] == [0.2, 0.01, None]
        assert records[2]["error"]["type"] == "TypeError"

        said = await shell.run("map", "sleep", "in.jsonl", "--values", "--unordered")
        assert sorted(said.lines) == ["0.01", "0.2", "null"]

        said = await shell.run("map", "echo", "--lines", "--values", given="a\nb")
        assert said == (0, '"a"\n"b"\n', "")
        said = await shell.run("map", "echo", "--kwargs", "--values", given='{"value": 3}\n')
        assert said == (0, "3\n", "")

        said = await shell.run("map", "echo", "--values", given="1\n2\nthree\n4\n")
        assert (said.code, said.out) == (2, "1\n2\n")
        assert said.err.startswith("Error: line 3 of standard input is no JSON")

        failing = "\n".join('"x"' for _ in range(50))
        said = await shell.run(
            "map", "fail", "--tolerate", "2", "--values", "--window", "2", given=failing
        )
        assert (said.code, said.lines) == (1, ["null"] * 3)
        assert "3 failed and --tolerate allows 2" in said.err


async def test_map_prints_each_outcome_at_once(start_worker, shell):
    start_worker()
    async with until(60):
        process = await shell.start("map", "echo", "--values", stdin=asyncio.subprocess.PIPE)
        for n in range(3):
            process.stdin.write(f"{n}\n".encode())
            assert await process.stdout.readline() == f"{n}\n".encode()
        process.stdin.close()
        assert await process.wait() == 0


async def test_an_interrupted_map_leaves_no_job(start_worker, shell, tmp_path):
    start_worker()
    log = tmp_path / "log"
    (tmp_path / "in").write_text(f"{log}\n" * 3)
    async with until(60):
        said = await shell.interrupted(
            "map", "linger", "in", "--lines", when=lambda: lines_of(log, 3)
        )
        assert said.code == 130
        assert sorted(await lines_of(log, 6)) == ["begun"] * 3 + ["cancelled"] * 3


async def test_a_map_says_on_a_terminal_how_many_did_not_succeed(start_worker, shell):
    start_worker()
    (shell.folder / "in").write_text("a\nb\n")
    async with until(60):
        options = ["--lines", "--resume", "auto", "-o", "out"]
        said = await shell.on_terminal("map", "fail", "in", *options)
        assert said.code == 1
        assert said.out.endswith("\r\x1b[K2 of 2 did not succeed\n")
        said = await shell.run("map", "fail", "in", "--lines")
        assert (said.code, said.err) == (1, "")


async def test_who_is_not_read_any_more_ends_without_a_word(start_worker, shell):
    start_worker()
    async with until(60):
        process = await shell.start("map", "echo", "--values", stdin=asyncio.subprocess.PIPE)
        process.stdin.write(b"1\n")
        await process.stdout.readline()
        process._transport.get_pipe_transport(1).close()
        process.stdin.write(b"2\n")
        assert await process.wait() == 141
        assert await process.stderr.read() == b""


async def test_a_full_disk_is_one_line(start_worker, shell):
    start_worker()
    async with until(60):
        (shell.folder / "in").write_text("1\n")
        with open("/dev/full", "w") as full:  # noqa: ASYNC230
            process = await shell.start("map", "echo", "in", stdout=full)
        _, err = await process.communicate()
    assert (process.returncode, err) == (1, b"Error: No space left on device\n")


async def test_a_map_goes_on_where_it_was(start_worker, shell, tmp_path, producer, queue):
    runs = tmp_path / "runs"
    (tmp_path / "in").write_text("".join(f'["{runs}", {n}]\n' for n in [0.01] * 1500 + [0.5] * 20))
    command = ["map", "ledger", "in", "--resume", "auto", "-o", "out", "--values"]
    async with until(120):
        start_worker()
        said = await shell.interrupted(*command, when=lambda: lines_of(tmp_path / "out", 1100))
        assert said.code == 130
        out = tmp_path / "out"
        count, name = re.fullmatch(
            r"interrupted after ([\d,]+) lines; the same command goes on \(or: --resume (\S+)\)\n",
            said.err,
        ).groups()
        assert int(count.replace(",", "")) == len(out.read_text().splitlines())
        out.write_text(out.read_text()[:-3])  # its last line was not written whole

        said = await shell.run(*command)
        assert (said.code, said.out, said.err) == (0, "", "")
        assert len(out.read_text().splitlines()) == 1520
        assert len(runs.read_text().splitlines()) == 1520

        # From the first line again, without running anything; and what is not the input is refused.
        said = await shell.run("map", "ledger", "in", "--resume", "auto", "--values")
        assert said.out == out.read_text()
        (tmp_path / "in").write_text(f'["{runs}", 1]\n')
        said = await shell.run("map", "ledger", "in", "--resume", name)
        assert (said.code, said.out) == (1, "")
        assert said.err.startswith(f"Error: in is not what --resume {name} was begun with")
        assert len(runs.read_text().splitlines()) == 1520


async def test_a_map_that_was_left_is_read_later(start_worker, shell, tmp_path):
    (tmp_path / "in").write_text("1\n2\n3\n")
    async with until(60):
        said = await shell.run("map", "echo", "in", "--detach")
        assert said.code == 0
        name = said.out.strip()
        start_worker()
        said = await shell.run("map", "echo", "in", "--resume", name, "--values")
        assert said == (0, "1\n2\n3\n", "")
        listed = await shell.run("ls", f"id:{name}*")
        assert "map, lines 1 to 3" in listed.out
