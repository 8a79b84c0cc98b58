"""All of them, for one worker."""

from .forking import *  # noqa: F403
from .isolated import *  # noqa: F403
from .stuck import *  # noqa: F403
