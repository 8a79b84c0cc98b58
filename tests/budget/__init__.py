"""What a job costs, where noise cannot touch it: commands, bytes, calls of functions."""
