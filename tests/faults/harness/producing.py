"""`python -m tests.faults.harness.producing SIDE URL CALLS TERMS`: a producer that a row may kill.

It prints the ids of its jobs once they are submitted, then each outcome as it comes.
"""

import asyncio
import json
import sys

from .sides import Arq, Ending, Ours, ending_of


def plain(ending: Ending) -> list[object]:
    """Return what two readers of one outcome have to agree about."""
    return [ending.id, ending.status, ending.value, ending.error, ending.attempts]


async def main(name: str, url: str, calls: str, terms: str) -> None:
    """Submit and collect."""
    side = Ours(url, 2.0) if name == "gatherq" else Arq(url)
    said = json.loads(terms)
    if isinstance(side, Ours):
        said["by"] = side.producer(patience=said.pop("patience", 20.0))
    ids, submitted = await side.submit(json.loads(calls), **said)
    print(json.dumps(ids), flush=True)
    if isinstance(side, Ours):
        async for outcome in submitted:
            print(json.dumps(plain(ending_of(outcome))), flush=True)
    else:
        for id_ in ids:
            (ending,) = await side.collect([id_], submitted, 30.0)
            print(json.dumps(plain(ending)), flush=True)
    await side.close()


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:]))
