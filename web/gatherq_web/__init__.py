"""The page of a pool: `gatherq web`, or an application of yours that mounts it.

    from gatherq_web import Access, app

    site.mount("/jobs", app("redis://localhost:6379", access=lambda request: Access.read()))

Invariant: it keeps no state, so that a restart loses nothing, and two of them show the same.
"""

from .app import app
from .security.access import Access

__all__ = ["Access", "app"]
