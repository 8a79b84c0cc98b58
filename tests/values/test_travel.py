"""Every value of the table, as argument and as result; `docs/values.md` is what comes of it."""

import os
import re
from difflib import unified_diff
from pathlib import Path

from gatherq import Succeeded, call
from gatherq.client.job_encoding import encode_once
from gatherq.errors import GatherqError

from ..conftest import until
from . import travellers

TABLE = Path(__file__).parents[2] / "docs" / "values.md"
START = "| annotation | value | argument | argument, by name | result | result, by name |\n"
AS_IT_IS = "as it is"


def _where(index: int, isolation: str) -> dict[str, object]:
    sees = getattr(travellers, f"sees_{index}_{isolation}")
    returns = getattr(travellers, f"returns_{index}_{isolation}")
    made = travellers.made
    return {
        "argument": lambda: sees.call(made(index)),
        "argument, by name": lambda: call(sees.definition.name, made(index)),
        "result": returns.call,
        "result, by name": lambda: call(returns.definition.name),
    }


def _refusal(error: object) -> str:
    text = str(error).split(", cannot travel: ")[-1].split(", cannot be written")[-1]
    text = re.split(r"argument x must be [^:]+: ", text)[-1]
    return " ".join(text.split())[-160:].lstrip(" :")


def _said(outcome: object, value: str, argument: bool) -> str:
    if not isinstance(outcome, Succeeded):
        error = outcome.error
        kind = "refused" if error.type == "UnwritableResult" else error.type
        return f"{kind}: {_refusal(error.message)}"
    shown = outcome.value if argument else travellers.show(outcome.value)
    return AS_IT_IS if shown == value else shown


async def _tried(producer) -> dict[tuple[int, str, str], str]:
    said, calls = {}, {}
    for index in range(len(travellers.CASES)):
        for isolation in ("loop", "process"):
            for way, make in _where(index, isolation).items():
                key = (index, isolation, way)
                try:
                    calls[key] = encode_once(make())
                except GatherqError as error:
                    said[key] = f"refused: {_refusal(error)}"
    batch = await producer.submit(list(calls.values()))
    for key, outcome in zip(calls, await batch.outcomes(), strict=True):
        argument = key[2].startswith("argument")
        endless = re.search(r"count|\*\*12", travellers.CASES[key[0]][1])
        value = "" if endless else travellers.show(travellers.made(key[0]))
        said[key] = _said(outcome, value, argument)
    return said


def _table(said: dict[tuple[int, str, str], str]) -> str:
    lines = [START, "|---" * 6 + "|\n"]
    for index, (annotation, value) in enumerate(travellers.CASES):
        cells = [said[index, "loop", way] for way in _where(index, "loop")]
        texts = [f"`{annotation}`", f"`{value}`", *cells]
        lines.append("| " + " | ".join(t.replace("|", "\\|") for t in texts) + " |\n")
    return "".join(lines)


async def test_values_travel_as_the_table_says(producer, start_worker):
    start_worker(module="tests.values.travellers", cwd=TABLE.parents[1])
    async with until(60):
        said = await _tried(producer)
    apart = {key: text for key, text in said.items() if key[1] == "process"}
    here = {key: said[key[0], "loop", key[2]] for key in apart}
    assert apart == here
    text = TABLE.read_text()
    before, mark, rest = text.partition(START)
    new = before + _table(said)
    if os.environ.get("WRITE_DOCS"):
        TABLE.write_text(new)
        return
    diff = unified_diff((before + mark + rest).splitlines(), new.splitlines(), lineterm="", n=0)
    assert not (lines := list(diff)), "run `make docs`:\n" + "\n".join(lines)


async def test_a_generator_arrives_whole_by_every_way(producer, start_worker):
    start_worker(module="tests.values.travellers", cwd=TABLE.parents[1])
    index = travellers.CASES.index(("Iterable[float]", "[1.0, 2.0]"))
    sees = getattr(travellers, f"sees_{index}_loop")
    whole = "list (1.0, 2.0)"

    def lazy():
        return (n / 1 for n in (1, 2))

    async with until(30):
        assert await producer.gather(sees.call(lazy()), sees.call(x=lazy())) == [whole, whole]
        async with producer.task_group() as group:
            task = group.create_task(sees.call(lazy()))
        assert task.result() == whole
        handle = await producer.submit_one(sees.call(lazy()))
        assert await handle == whole
        outcomes = [outcome async for outcome in producer.map(sees, [lazy(), lazy()])]
    assert [outcome.unwrap() for outcome in outcomes] == [whole, whole]
