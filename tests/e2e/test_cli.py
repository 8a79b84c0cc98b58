"""The command line, as a user meets it."""

import os
import subprocess
import sys
from contextlib import contextmanager
from threading import Event, Thread

COMMAND = [sys.executable, "-m", "gatherq_worker", "worker"]
ONE = "from gatherq import job\n\n\n@job()\nasync def one() -> int:\n    return 1\n"


@contextmanager
def saving(path, text):
    """Save again and again, as an impatient user does."""
    done = Event()

    def save():
        path.write_text(text)
        while not done.wait(5):
            path.touch()

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
    assert wrong.returncode == 2
    assert "0 is not in the range" in wrong.stderr
