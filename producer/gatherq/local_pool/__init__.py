"""Workers and a server of one's own, for one program on one machine: `gatherq.local`.

Invariant: nothing that is started here outlives the program, however that ends.
"""
