"""What arq is told of a server, or of sentinels, that a URL names."""

from urllib.parse import urlsplit

from arq.connections import RedisSettings


def redis_settings(url: str) -> RedisSettings:
    """Read a URL, redis+sentinel:// too, which arq does not."""
    parts = urlsplit(url)
    if not parts.scheme.endswith("+sentinel"):
        return RedisSettings.from_dsn(url)
    places = [each.rpartition(":") for each in parts.netloc.split(",")]
    return RedisSettings(
        host=[(host, int(port)) for host, _, port in places],
        sentinel=True,
        sentinel_master=parts.path.split("/")[1],
    )
