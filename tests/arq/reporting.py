"""An application that has initialised Sentry; as a program it runs some of its jobs, and says what
was sent.

python -m tests.arq.reporting arq|gatherq URL QUEUE INIT JOBS

INIT are arguments of `sentry_sdk.init`, JOBS pairs of a function's name and its arguments, both as
JSON. It prints a list of what was sent.
"""

import asyncio
import importlib
import json
import os
import sys
import time

import arq.worker
import sentry_sdk
from arq.connections import RedisSettings, create_pool
from arq.cron import cron
from arq.worker import JobExecutionFailed, Retry, func
from sentry_sdk.integrations.arq import ArqIntegration
from sentry_sdk.integrations.dedupe import DedupeIntegration
from sentry_sdk.integrations.logging import LoggingIntegration
from sentry_sdk.transport import Transport

import gatherq_worker
from gatherq import Producer, job

SENT = []


class Memory(Transport):
    """Keeps what is sent, and tells nobody."""

    def capture_envelope(self, envelope):
        for item in envelope.items:
            SENT.append(item.payload.json)


def init(options):
    if options.pop("monitors", False):
        options["integrations"] = [ArqIntegration(monitor_cron_jobs=True)]
    kinds = {"arq": ArqIntegration, "dedupe": DedupeIntegration, "logging": LoggingIntegration}
    off = [kinds[name]() for name in options.pop("disabled", "").split()]
    options = {**options, "disabled_integrations": off, "environment": "tests"}
    if "dsn" not in options:
        options |= {"dsn": "http://key@127.0.0.1:1/1", "transport": Memory}
    sentry_sdk.init(**options)


if "REPORTING_INIT" in os.environ:  # in the processes of jobs, too
    init(json.loads(os.environ["REPORTING_INIT"]))


async def add(ctx, a, b=1):
    return a + b


async def fail(ctx, text):
    sentry_sdk.set_tag("mine", text)
    raise ValueError(f"no {text}")


async def fail_for_a_cause(ctx):
    try:
        {}["key"]
    except KeyError as error:
        raise RuntimeError("no key") from error


async def report_and_fail(ctx):
    try:
        raise ValueError("told already")
    except ValueError as error:
        sentry_sdk.capture_exception(error)
        raise


async def again(ctx):
    if ctx["job_try"] == 1:
        raise Retry(0)
    return ctx["job_try"]


async def refuse(ctx):
    raise JobExecutionFailed("not so")


async def late(ctx):
    await asyncio.sleep(10)


async def cancel(ctx):
    raise asyncio.CancelledError


async def tick(ctx):
    pass


FUNCTIONS = [
    *(add, fail, fail_for_a_cause, report_and_fail, again, refuse),
    *(func(late, timeout=0.1), func(cancel, max_tries=1)),
]


@job()
async def fine() -> str:
    return "fine"


@job()
async def own_failure(name: str, seconds: float) -> None:
    sentry_sdk.set_tag("mine", name)
    sentry_sdk.add_breadcrumb(message=f"begun {name}")
    await asyncio.sleep(seconds)
    raise ValueError(f"no {name}")


@job()
def failure_in_a_thread(name: str) -> None:
    sentry_sdk.set_tag("mine", name)
    raise ValueError(f"no {name}")


@job()
def tells_and_fails_in_a_thread() -> None:
    try:
        raise ValueError("told already")
    except ValueError as error:
        sentry_sdk.capture_exception(error)
        raise


@job(isolation="process")
def failure_in_a_process(name: str) -> None:
    sentry_sdk.set_tag("mine", name)
    sentry_sdk.add_breadcrumb(message=f"begun {name}")
    try:
        {}[name]
    except KeyError as error:
        raise ValueError(f"no {name}") from error


@job(isolation="process")
def tells_and_fails(name: str) -> None:
    sentry_sdk.set_tag("mine", name)
    sentry_sdk.add_breadcrumb(message=f"begun {name}")
    try:
        raise ValueError(f"no {name}")
    except ValueError as error:
        sentry_sdk.capture_exception(error)
        raise


@job(isolation="process")
def tells(text: str) -> None:
    sentry_sdk.capture_message(text)


@job(isolation="process", retries=0)
def death() -> None:
    os._exit(3)


@job(retries=1, retry_on=OSError)
async def retried(*, ever: bool) -> None:
    if ever or gatherq_worker.current_job().attempt == 1:
        raise OSError("not yet")


@job(timeout=0.1)
async def own_late() -> None:
    await asyncio.sleep(10)


@job(timeout=0.1, grace=0.1)
async def endless() -> None:
    until = time.monotonic() + 1.5
    while time.monotonic() < until:
        try:
            await asyncio.sleep(0.1)
        except asyncio.CancelledError:
            continue


@job()
async def cancels() -> None:
    raise asyncio.CancelledError("no water")


@job()
async def unwritable() -> object:
    return object()


OWN = [
    *(fine, own_failure, failure_in_a_thread, failure_in_a_process, tells_and_fails, tells),
    *(tells_and_fails_in_a_thread, death, retried, own_late, endless, cancels, unwritable),
]


async def main(kind, url, queue, jobs):
    settings = RedisSettings.from_dsn(url)
    redis = await create_pool(settings, default_queue_name=queue)
    own = {each.definition.name: each for each in OWN}
    options = {
        "functions": list(FUNCTIONS),
        "redis_settings": settings,
        "queue_name": queue,
        "burst": True,
        "poll_delay": 0.01,
        "handle_signals": False,
    }
    if [name for name, _ in jobs] == ["tick"]:
        options["cron_jobs"] = [cron(tick, minute={7}, run_at_startup=True)]
    elif any(name in own for name, _ in jobs):
        async with Producer(url, queue=queue) as producer:
            calls = [own[name].call(*args[0], **args[1]) for name, args in jobs]
            await producer.submit(calls)
        options["functions"] += OWN
    else:
        for name, (args, kwargs) in jobs:
            await redis.enqueue_job(name, *args, **kwargs)
    if kind == "arq":
        worker = arq.worker.create_worker(options)
    elif kind == "wrapped":  # the functions of settings that arq's own `create_worker` had first
        arq.worker.create_worker(options)
        worker = gatherq_worker.create_worker(options)
    else:
        worker = gatherq_worker.create_worker(options)
    await worker.main()
    await worker.close()
    await redis.aclose(close_connection_pool=True)


if __name__ == "__main__":
    kind, url, queue, given, jobs = sys.argv[1:]
    os.environ["REPORTING_INIT"] = given
    app = importlib.import_module("tests.arq.reporting")  # as the processes of jobs know it
    asyncio.run(app.main(kind, url, queue, json.loads(jobs)))
    print(json.dumps(app.SENT, default=str))
