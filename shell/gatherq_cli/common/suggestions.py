"""What a shell completes a word to: ids of batches, names of jobs and workers, keys of filters.

They are asked for with a blocking socket and for a tenth of a second, without redis-py or asyncio:
somebody waits at the keyboard. Where there is no answer there are no suggestions, and no error.
"""

import os
from collections.abc import Callable, Iterable
from typing import Any, TypeAlias

import click

Suggest: TypeAlias = Callable[[click.Context, click.Parameter, str], list[str]]

#: Seconds that a server may take to connect, or to answer.
_PATIENCE = 0.1
#: Newest batches and workers that are looked at.
_BATCHES, _WORKERS = 500, 50
#: Keys of filters on slots and on batches, and the words that some take. A test compares them.
SLOT_KEYS: dict[str, str] = {
    "status:": "succeeded failed timed_out cancelled lost "
    "queued waiting running retrying missing ended",
    "job:": "",
    "error:": "",
    "worker:": "",
    "attempt:": "",
    "took:": "",
    "waited:": "",
    "args.": "",
}
BATCH_KEYS: dict[str, str] = {
    "state:": "queued running succeeded failed cancelled",
    "id:": "",
    "label:": "",
    "kind:": "submit gather task_group map submit_one",
    "by:": "",
    "size:": "",
    "bad:": "",
}


def _never_failing(suggest: Suggest) -> Suggest:
    def suggestions(ctx: click.Context, param: click.Parameter, incomplete: str) -> list[str]:
        try:
            return [each for each in suggest(ctx, param, incomplete) if each.isprintable()]
        except Exception:  # whatever it is, it would be printed into the line that is being typed
            return []

    return suggestions


@_never_failing
def batches(ctx: click.Context, param: click.Parameter, incomplete: str) -> list[str]:
    """Suggest ids of batches, the newest first."""
    index = _keys(ctx).batch_index
    (found,) = _ask(ctx, [("ZREVRANGE", index, 0, _BATCHES - 1)])
    return _beginning(incomplete, _texts(found))


@_never_failing
def jobs(ctx: click.Context, param: click.Parameter, incomplete: str) -> list[str]:
    """Suggest names of jobs that living workers run."""
    return _beginning(incomplete, _job_names(ctx))


@_never_failing
def workers(ctx: click.Context, param: click.Parameter, incomplete: str) -> list[str]:
    """Suggest names of workers."""
    return _beginning(incomplete, _worker_names(ctx))


@_never_failing
def slot_filters(ctx: click.Context, param: click.Parameter, incomplete: str) -> list[str]:
    """Suggest filters on slots: keys, and values of those that have a few."""
    names: dict[str, Callable[[click.Context], list[str]]] = {
        "job:": _job_names,
        "worker:": _worker_names,
    }
    return _filters(ctx, incomplete, SLOT_KEYS, names)


@_never_failing
def batch_filters(ctx: click.Context, param: click.Parameter, incomplete: str) -> list[str]:
    """Suggest filters on batches: keys, and values of those that have a few."""
    return _filters(ctx, incomplete, BATCH_KEYS, {})


def _filters(
    ctx: click.Context,
    incomplete: str,
    keys: dict[str, str],
    names: dict[str, Callable[[click.Context], list[str]]],
) -> list[str]:
    sign = incomplete[: incomplete.startswith("-")]
    key, colon, _ = incomplete.removeprefix("-").partition(":")
    if not colon:
        return _beginning(incomplete, (f"{sign}{each}" for each in keys))
    known = f"{key}:"
    found = names[known](ctx) if known in names else keys.get(known, "").split()
    return _beginning(incomplete, (f"{sign}{known}{each}" for each in found))


def _beginning(incomplete: str, texts: Iterable[str]) -> list[str]:
    return [text for text in dict.fromkeys(texts) if text.startswith(incomplete)]


def _worker_names(ctx: click.Context) -> list[str]:
    newest = ("ZREVRANGE", _keys(ctx).workers, 0, _WORKERS - 1)
    (found,) = _ask(ctx, [newest])
    return _texts(found)


def _job_names(ctx: click.Context) -> list[str]:
    import json

    keys = _keys(ctx)
    names = _worker_names(ctx)
    found = _ask(ctx, [("HGET", keys.worker(name), "handlers") for name in names])
    return sorted({name for each in found if each for name in json.loads(each)})


def _ask(ctx: click.Context, commands: list[tuple[Any, ...]]) -> list[Any]:
    from gatherq.contract import defaults
    from gatherq.server_in_environment import named_url
    from gatherq.store.server.probe import ask

    url = _given(ctx, "url") or named_url() or defaults.REDIS_URL
    return (ask(url, commands, _PATIENCE) or []) if commands else []


def _keys(ctx: click.Context) -> Any:
    from gatherq.contract.keys import DEFAULT_QUEUE, KeySpace

    return KeySpace(_given(ctx, "queue") or os.environ.get("GATHERQ_QUEUE") or DEFAULT_QUEUE)


def _given(ctx: click.Context, name: str) -> str | None:
    found = ctx.params.get(name)
    return found if isinstance(found, str) else None


def _texts(found: Any) -> list[str]:
    return [each.decode() for each in found]
