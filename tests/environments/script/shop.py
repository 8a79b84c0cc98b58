"""README's producer, and the client that it hands out."""

import asyncio

from kitchen import chop

from gatherq import Producer, Succeeded, call


async def main() -> None:
    async with Producer() as producer:
        texts: tuple[str, str] = await producer.gather(
            chop.call("carrot", 0), chop.call("tomato", 0)
        )
        print(*texts, sep="\n")
        batch = await producer.submit([call("chop", "onion", 12)], timeout=0.1)  # by name alone
        async for outcome in batch:
            assert not isinstance(outcome, Succeeded)
            print(outcome.status)
        # Few commands have types that both redis-py 5 and 8 agree on.
        print(await producer.redis.exists(f"gatherq:batch:{batch.id}"))


asyncio.run(main())
