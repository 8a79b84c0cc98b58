"""The page as a process of its own: sockets, a prefix, and the server that ends when it is told to.

Invariant: nobody but this machine reaches it, unless somebody has said who may.
"""
