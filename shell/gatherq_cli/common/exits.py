"""Exit codes, for scripts. Those of click are 1 for an error and 2 for a wrong command line."""

#: Done, but something did not succeed, or a problem was found.
UNSUCCESSFUL = 1
USAGE = 2
#: No such batch, slot, job or worker.
NOT_FOUND = 3
#: Redis does not answer, or refuses us.
UNAVAILABLE = 4
#: Gave up waiting; the batch goes on.
TIMEOUT = 5
#: Not confirmed.
UNCONFIRMED = 6
#: 128 and the number of the signal: SIGINT, SIGPIPE.
INTERRUPTED, BROKEN_PIPE = 130, 141
