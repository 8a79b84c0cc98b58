"""How much is drawn at random, and from which seed.

`make test` draws the same each time, so that no change fails for what an unrelated draw has found;
`make fuzz` draws anew, and prints its seed. `GATHERQ_SEED` is a seed of yours.
"""

import os
from random import randrange

#: How many examples were asked for; None in `make test`.
ASKED = os.environ.get("GATHERQ_FUZZ")
EXAMPLES = int(ASKED or 250)
SEED = int(os.environ.get("GATHERQ_SEED") or (randrange(2**31) if ASKED else 1))
