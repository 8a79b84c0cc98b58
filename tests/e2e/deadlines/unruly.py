"""Jobs that end in ways that nobody expects."""

import asyncio

from gatherq import job


class Resisting(Exception):
    def __str__(self) -> str:
        raise SystemExit("no text either")

    __repr__ = __str__

    @property
    def __notes__(self) -> list[str]:
        raise RuntimeError


class Unrepresentable:
    def __repr__(self) -> str:
        raise KeyboardInterrupt

    def __iter__(self) -> object:
        raise SystemExit


@job()
async def ends(how: str, items: list[object]) -> object:
    match how:
        case "exit":
            raise SystemExit(3)
        case "interrupt":
            raise KeyboardInterrupt
        case "generator":
            raise GeneratorExit
        case "base":
            raise BaseException("base")
        case "stop":
            raise StopIteration(1)
        case "group":
            raise BaseExceptionGroup("two", [SystemExit(1), ExceptionGroup("in", [KeyError("k")])])
        case "resisting":
            raise Resisting
        case "huge":
            raise ValueError("x" * 10_000_000)
        case "deep":
            return nested(100_000)
        case "recursion":
            return await ends(how, items)
        case "unwritable":
            return Unrepresentable()
        case "circular":
            items.append(items)
            return items
        case "mutated":
            items.append(Unrepresentable())
            return "fine"
        case "exit in a task":
            async with asyncio.TaskGroup() as group:
                group.create_task(leave())
        case "exit in a callback":
            asyncio.get_running_loop().call_soon(exit_now)
            await asyncio.sleep(0.05)
            return "fine"
        case "cancels itself":
            task = asyncio.current_task()
            assert task
            task.cancel()
            await asyncio.sleep(60)
        case "cancels itself late":
            task = asyncio.current_task()
            assert task
            task.cancel()
            return "fine"
    return None


def nested(depth: int) -> object:
    value: object = []
    for _ in range(depth):
        value = [value]
    return value


async def leave() -> None:
    raise SystemExit(4)


def exit_now() -> None:
    raise KeyboardInterrupt


@job()
async def works(number: int) -> int:
    await asyncio.sleep(0.2)
    return number
