"""What holds where nobody says otherwise, for those that read the environment without pydantic."""

#: URL of the Redis server.
REDIS_URL = "redis://localhost:6379/0"
