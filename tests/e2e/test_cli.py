"""The command line, as a user meets it."""

import asyncio
import os
import re
import subprocess
import sys
from contextlib import contextmanager
from threading import Event, Thread

from gatherq import Producer, call

COMMAND = [sys.executable, "-m", "gatherq_worker", "worker"]
ONE = "from gatherq import job\n\n\n@job()\nasync def one() -> int:\n    return 1\n"


@contextmanager
def saving(path, text):
    """Save again and again, as an impatient user does."""
    done = Event()

    before = path.stat()  # so it is a change within a second, and to the same length

    def save():
        while True:
            path.write_text(text)
            os.utime(path, (before.st_atime, before.st_mtime))
            if done.wait(5):
                return

    thread = Thread(target=save)
    thread.start()
    yield
    done.set()
    thread.join()


def test_reload_starts_again_with_what_changed(tmp_path, server_url, queue):
    module = tmp_path / "menu.py"
    module.write_text(ONE)
    environment = {**os.environ, "GATHERQ_REDIS_URL": server_url, "GATHERQ_QUEUE": queue}
    with subprocess.Popen(
        [*COMMAND, "menu", "--reload"],
        cwd=tmp_path,
        env=environment,
        stderr=subprocess.PIPE,
        text=True,
    ) as worker:
        try:
            log = iter(worker.stderr.readline, "")
            assert any(line.endswith("runs one\n") for line in log)
            with saving(module, ONE.replace("one", "two")):  # the watch may begin after the worker
                assert any(line.endswith("runs two\n") for line in log)
        finally:
            worker.terminate()


def test_help_and_wrong_options_say_what_there_is():
    said = subprocess.run([*COMMAND, "--help"], capture_output=True, text=True, check=True).stdout
    for option in ("--concurrency", "--queue", "--processes", "--reload", "--grace", "--lease"):
        assert option in said
    assert "whoever can write to Redis runs code" in " ".join(said.split())
    wrong = subprocess.run(
        [*COMMAND, "x", "--concurrency", "0"], capture_output=True, text=True, check=False
    )
    said = "Error: --concurrency is 0: give a whole number from 1 to 10,000\n"
    assert (wrong.returncode, wrong.stderr) == (2, said)


def said_by(folder, server_url, *words, **variables):
    """Run a worker that cannot start, in three processes; return its exit code and its words."""
    run = subprocess.run(
        [*COMMAND, *words, "--processes", "3"],
        cwd=folder,
        env={**os.environ, "GATHERQ_REDIS_URL": server_url, **variables},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    return run.returncode, run.stderr


UNGUARDED = """import asyncio
from gatherq import Producer, job


@job()
async def one() -> int:
    return 1


async def main() -> None:
    async with Producer() as producer:
        print(await producer.gather(one.call()))


asyncio.run(main())
"""


def test_a_module_that_runs_itself_is_told_so_once(tmp_path, server_url):
    (tmp_path / "kitchen.py").write_text(UNGUARDED)
    assert said_by(tmp_path, server_url, "kitchen") == (
        1,
        "Error: kitchen.py uses a Producer while a worker imports it (line 15): "
        'put asyncio.run(main()) under if __name__ == "__main__":\n',
    )


def test_an_import_that_fails_is_told_once_and_not_tried_again(tmp_path, server_url):
    (tmp_path / "kitchen.py").write_text("import menu\n")
    (tmp_path / "menu.py").write_text("price = 1 / 0\n")
    assert said_by(tmp_path, server_url, "kitchen") == (
        1,
        "Error: menu.py, line 1: ZeroDivisionError: division by zero\n"
        "  kitchen.py, line 1, in <module>\n    import menu\n"
        "  menu.py, line 1, in <module>\n    price = 1 / 0\n",
    )


def test_a_module_that_is_not_there_and_a_bad_variable_are_told_once(tmp_path, server_url):
    (tmp_path / "kitchen.py").write_text(ONE)
    said = f"no module named 'kichen' in {tmp_path}, nor installed; did you mean 'kitchen'?"
    assert said_by(tmp_path, server_url, "kichen") == (1, f"Error: {said}\n")
    said = "Error: GATHERQ_KEEP is '-1': Input should be greater than 0\n"
    assert said_by(tmp_path, server_url, "kitchen", GATHERQ_KEEP="-1") == (2, said)
    code, said = said_by(tmp_path, server_url, "kitchen", GATHERQ_REDIS_URL="http://:secret@h")
    assert (code, said.count("\n"), "secret" in said) == (1, 1, False)


def logged(text):
    """Return the records of a log without their times and levels."""
    return [line.partition("gatherq.worker: ")[2] for line in text.splitlines()]


def test_a_path_is_as_good_as_a_name_and_start_and_end_are_told_once(tmp_path, server_url, queue):
    (tmp_path / "kitchen.py").write_text(ONE)
    code, said = said_by(tmp_path, server_url, "./kitchen.py", "--burst", "--queue", queue)
    assert code == 0
    assert logged(said) == [
        f"ready: {server_url}, queue {queue}; 3 processes, each 100 jobs at a time; "
        "Ctrl-C or SIGTERM stops it; runs one",
        "stopped: 0 jobs succeeded, 0 did not",
    ]


async def test_every_job_is_a_line_if_that_is_asked_for(tmp_path, server_url, queue):
    (tmp_path / "kitchen.py").write_text(ONE)
    async with Producer(server_url, queue=queue) as producer:
        batch = await producer.submit([call("one"), call("one", "more")])
        words = ["kitchen", "--burst", "--queue", queue, "-v"]
        _, said = await asyncio.to_thread(said_by, tmp_path, server_url, *words)
        await batch.outcomes()
    lines = [line for line in logged(said) if " one(" in line]
    assert [re.sub(r"in [\d.]+ s", "in X s", line) for line in sorted(lines)] == [
        f"job {batch.id}:0 one() succeeded in X s: 1",
        f"job {batch.id}:1 one('more') failed at attempt 1: TypeError: one() cannot take these "
        "arguments: too many positional arguments",
    ]
    assert "not found" not in said
    assert logged(said)[-1] == "stopped: 1 job succeeded, 1 did not"
