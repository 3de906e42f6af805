"""The command `sos`."""
