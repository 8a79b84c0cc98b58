"""The Lua steps: loaded from `lua/`, called by digest, sent whole when Redis has forgotten them."""

import re
from hashlib import sha1
from importlib.resources import files
from typing import TYPE_CHECKING, Any

from redis.exceptions import NoScriptError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from redis.asyncio import Redis


_LUA = files(__package__).joinpath("lua")
_INCLUDE = re.compile(r"^-- Include: (.+)$", re.MULTILINE)


class Script:
    """One atomic step; the header of its file is the contract, and names the parts it shares."""

    def __init__(self, name: str) -> None:
        step = _LUA.joinpath(f"{name}.lua").read_text("utf-8")
        parts = [part for line in _INCLUDE.findall(step) for part in line.split(", ")]
        shared = [_LUA.joinpath("include", f"{part}.lua").read_text("utf-8") for part in parts]
        self.source = "".join([*shared, step])
        self.digest = sha1(self.source.encode(), usedforsecurity=False).hexdigest()

    async def __call__(self, redis: "Redis", keys: "Sequence[str]", argv: "Sequence[Any]") -> Any:
        try:
            return await redis.execute_command("EVALSHA", self.digest, len(keys), *keys, *argv)
        except NoScriptError:
            return await redis.execute_command("EVAL", self.source, len(keys), *keys, *argv)


def steps() -> list[Script]:
    """Return all of them."""
    names = (file.name for file in _LUA.iterdir())
    return [Script(name.removesuffix(".lua")) for name in names if name.endswith(".lua")]
