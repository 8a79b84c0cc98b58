"""All of them, for one worker."""

from .isolated import *  # noqa: F403
from .stuck import *  # noqa: F403
