"""What every row of the fault matrix stands on: servers, workers, a ledger, six checks."""
