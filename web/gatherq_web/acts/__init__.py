"""What changes something: a page that asks, and the answer to its form.

Invariant: nothing is done but by a POST of this site itself, by somebody who may.
"""
