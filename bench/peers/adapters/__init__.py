"""What the harness asks of a peer, a module for each. It runs in the peer's own environment."""
