"""How much of something is done, as a bar of characters."""

_EIGHTHS = " ▏▎▍▌▋▊▉█"


def bar(share: float, width: int, *, ascii_only: bool) -> str:
    """Return so many columns of which that share is filled: `███████▌  `."""
    share = min(max(share, 0.0), 1.0)
    if ascii_only:
        return ("#" * int(share * width)).ljust(width, ".")
    whole, part = divmod(int(share * width * 8), 8)
    filled = "█" * whole + (_EIGHTHS[part] if part else "")
    return filled.ljust(width)


def span(before: float, share: float, width: int, mark: str) -> str:
    """Return so many columns with `mark` from the share `before` on: at least one of them."""
    first = min(int(before * width), width - 1)
    last = max(round((before + share) * width), first + 1)
    return (" " * first + mark * (last - first))[:width].ljust(width)
