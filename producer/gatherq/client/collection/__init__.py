"""How outcomes come back: which slots have ended, and what became of them.

Invariant: reading takes nothing away; any number may read the same batch.
"""
