"""The commands that change something: they ask first, with the number of what they would touch.

Invariant: what is chosen is read through `gatherq.inspection`, and done through a producer.
"""
