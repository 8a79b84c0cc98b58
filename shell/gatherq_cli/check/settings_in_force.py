"""Settings, each with its origin."""

import difflib
import os
from collections.abc import Collection, Iterator
from dataclasses import asdict, dataclass
from typing import Any

from gatherq.settings import Settings
from gatherq.store.server.urls import masked
from gatherq_cli.common.options import Server
from gatherq_cli.output.output import Output
from gatherq_cli.output.styles import style_of
from gatherq_cli.output.table import Column
from gatherq_worker.settings import WorkerSettings

_PREFIX = "GATHERQ_"


@dataclass(frozen=True, slots=True)
class Setting:
    """A setting in force; of a variable that is none, what may be meant."""

    name: str
    value: Any
    #: `option`, `default`, `unknown`, or the name of the variable.
    origin: str
    #: Who reads it: `all`, `worker`, or nobody.
    of: str = ""
    hint: str = ""


async def show_settings(server: Server, output: Output, variables: Collection[str]) -> None:
    """Print the settings, and variables that look like some; `variables` are those of options."""
    given = {"redis_url": server.url, "queue": server.queue}
    options = {name: value for name, value in given.items() if value is not None}
    found = [*_in_force(WorkerSettings.read(**options), options), *_unknown(variables)]
    await output.rows(found, _COLUMNS, asdict)


def _in_force(settings: WorkerSettings, options: dict[str, str]) -> Iterator[Setting]:
    variables = {name.upper() for name in os.environ}
    for name in WorkerSettings.model_fields:
        variable, value = f"{_PREFIX}{name.upper()}", getattr(settings, name)
        origin = variable if variable in variables else "default"
        yield Setting(
            name,
            masked(value) if name == "redis_url" else value,
            "option" if name in options else origin,
            "all" if name in Settings.model_fields else "worker",
        )


def _unknown(others: Collection[str]) -> Iterator[Setting]:
    known = {*others, *(f"{_PREFIX}{name.upper()}" for name in WorkerSettings.model_fields)}
    for name in sorted(os.environ):
        if name.upper().startswith(_PREFIX) and name.upper() not in known:
            near = difflib.get_close_matches(name.upper(), known, n=1)
            hint = f"did you mean {near[0]}?" if near else "nothing reads it"
            yield Setting(name, None, "unknown", hint=hint)


_COLUMNS: list[Column] = [
    Column("SETTING", lambda setting: setting.name),
    Column("VALUE", lambda setting: "-" if setting.value is None else f"{setting.value}"),
    Column(
        "ORIGIN",
        lambda setting: setting.origin,
        style=lambda setting: style_of("failed") if setting.origin == "unknown" else "",
    ),
    Column("READ BY", lambda setting: setting.of or setting.hint, flexible=True),
]
