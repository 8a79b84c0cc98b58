"""What becomes of an attempt: its limits, its verdict, another try, its record.

Invariant: what decides is pure; each attempt is concluded once.
"""
