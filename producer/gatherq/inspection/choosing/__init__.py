"""What somebody means: slots to act on, a worker or a job by its name.

Invariant: it changes nothing; what it finds is how things were at the time of a look.
"""
