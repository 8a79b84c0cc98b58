"""What may stand in Redis, where anybody can write: wrong types, sizes and bytes."""

from hypothesis import strategies as st

#: Texts that are nearly right, or nearly anything.
TEXTS = [
    *(b"", b"0", b"-1", b"1", b"7", b"00", b"1.5", b"1e3", b"1e400", b"nan", b"inf", b"-inf"),
    *(b"0x10", b" 5 ", b"9" * 19, b"9" * 400, b"9" * 5000, b"-0", b"+1", b"\xff\xfe", b"\x00"),
    *(b"a\nb", b"\x1b[31m", b"\xed\xa0\x80", b"\xe0\x80\x80", b"\xf4\x90\x80\x80", b"\xc3\xa9"),
    *(b"null", b"true", b"[]", b"{}", b"[1]", b'"x"', b"{", b'{"f":', b"\x80\x04N.", b"[" * 500),
    b'{"f":"f","a":[],"k":{}}',
    b'{"f":"f","a":[],"k":{},"et":-5}',
    b'{"f":"f","a":[],"k":{},"t":null,"timeout":null,"batch":"bad","slot":3,"et":99999999999999999}',
    b'{"f":"f","a":[],"k":{"queue_timeout":0.001,"et":5},"t":null,"timeout":1e999,"et":5}',
    b'{"f":"\\ud800","a":["\xff"],"k":{},"t":null,"timeout":null,"batch":"bad","slot":4,"et":5}',
    b'{"f":"' + b"n" * 5000 + b'","a":[],"k":{},"et":5}',
    b'{"f":["f"],"a":{},"k":[],"t":"x","timeout":-1,"batch":3,"slot":"x","et":"x"}',
    b'{"worker":"w1","t":1,"id":"bad:1","status":"failed","s":false,"r":"x"}',
    b'{"worker":"","t":0,"id":"good:0","status":"succeeded","s":true,"r":1,"f":"f","a":[],"k":{},'
    b'"batch":"good","slot":0,"et":1,"st":1,"ft":1,"q":"q"}',
    b'{"worker":"w","t":1,"id":"bad:1","status":"unknown","r":1,"f":"f","et":1,"ft":1}',
    b'{"worker":"w","t":1,"id":"bad:1","status":"succeeded","r":' + b"9" * 5000 + b"}",
    b'{"worker":"w","t":1,"id":"bad:1","status":"failed","error":{"type":3,"message":[]}}',
    b'{"attempt":1,"status":"failed"}',
    b'{"attempt":' + b"9" * 5000 + b',"status":"died"}',
    b'{"attempt":"x","status":"died","beside":"y","st":"z"}',
    b"x" * 70_000,
    b"," * 70_000,
    b'"et":' * 15_000,
]
SCORES = [0.0, -1.0, 1.0, 1.5, 1e15, 1e300, -1e300, float("inf"), float("-inf"), 5e-324, 1.7e12]
IDS = [
    *(b"", b":", b"bad:", b":0", b"bad:-1", b"bad:01", b"bad:1e3", b"bad:99", b"bad:0.0"),
    *(b"good:99", b"good:00", b"none:0", b"none:1", b"bad:" + b"9" * 30, b"bad:0\n", b"x\ny\x1b"),
    *(b"\xff", b"\xed\xa0\x80", b"\xf0\x80\x80\x80", b"\xf5\x80\x80\x80", b"\xc3\xa9:0", b"\xc3"),
    *(b"i" * 5000, b"bad:0:0", b"a b:3", b"bad:\xff", b"%s%d", b"(" * 300, b"plain"),
]
NUMBERS = [*TEXTS[:18], b"1" + b"0" * 14, b"1" + b"0" * 15, b"1.7e12"]
number = st.sampled_from(NUMBERS)
text = st.one_of(st.sampled_from(TEXTS), st.binary(max_size=40))
name = st.one_of(st.sampled_from(IDS), st.binary(max_size=12))
score = st.one_of(st.sampled_from(SCORES), st.floats(allow_nan=False))


@st.composite
def value(draw):
    """What a key holds: (type, contents); a type of none takes the key away."""
    kind = draw(st.sampled_from(["none", "string", "list", "hash", "set", "zset", "stream"]))
    match kind:
        case "none":
            return kind, None
        case "string":
            return kind, draw(text)
        case "list" | "set":
            return kind, draw(st.lists(text, min_size=1, max_size=3))
        case "hash" | "stream":
            return kind, draw(st.dictionaries(name, text, min_size=1, max_size=3))
        case _:
            return kind, draw(st.dictionaries(name, score, min_size=1, max_size=3))


async def put(redis, key, kind, contents):
    """Put a value where another may stand, at once."""
    ttl = await redis.pttl(key)
    async with redis.pipeline() as pipe:
        pipe.delete(key)
        match kind:
            case "string":
                pipe.set(key, contents)
            case "list":
                pipe.rpush(key, *contents)
            case "set":
                pipe.sadd(key, *contents)
            case "hash":
                pipe.hset(key, mapping=contents)
            case "stream":
                pipe.xadd(key, contents)
            case "zset":
                pipe.zadd(key, contents)
        if ttl > 0:
            pipe.pexpire(key, ttl)
        await pipe.execute()
