"""The Lua steps: loaded from `lua/`, called by digest, sent whole when Redis has forgotten them."""

from hashlib import sha1
from importlib.resources import files
from typing import TYPE_CHECKING, Any

from redis.exceptions import NoScriptError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from redis.asyncio import Redis


class Script:
    """One atomic step; the header of its file is the contract. `parts` it shares with others."""

    def __init__(self, name: str, *parts: str) -> None:
        folder = files(__package__).joinpath("lua")
        sources = [folder.joinpath("parts", f"{part}.lua") for part in parts]
        sources.append(folder.joinpath(f"{name}.lua"))
        self.source = "".join(source.read_text("utf-8") for source in sources)
        self.digest = sha1(self.source.encode(), usedforsecurity=False).hexdigest()

    async def __call__(self, redis: "Redis", keys: "Sequence[str]", argv: "Sequence[Any]") -> Any:
        try:
            return await redis.execute_command("EVALSHA", self.digest, len(keys), *keys, *argv)
        except NoScriptError:
            return await redis.execute_command("EVAL", self.source, len(keys), *keys, *argv)
