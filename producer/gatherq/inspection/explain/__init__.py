"""Why a batch is not finished: rules over what was read of it, each with a code of its own.

Invariant: a rule is pure, says only what its facts prove, and names what helps.
"""
