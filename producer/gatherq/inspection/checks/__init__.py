"""What is wrong, or could be: rules over what was read, each of which gives findings.

Invariant: nothing here asks anybody anything.
"""
