"""Whether the user's code has initialised what could be told."""

import sys


def sentry_is_active() -> bool:
    """Tell whether Sentry's SDK is initialised, with its arq part: it is on where arq is installed.

    That part is the switch, as it is with arq. It patches what our worker replaces, and so it sees
    nothing of our jobs by itself.
    """
    sdk = sys.modules.get("sentry_sdk")
    return sdk is not None and sdk.get_client().get_integration("arq") is not None
