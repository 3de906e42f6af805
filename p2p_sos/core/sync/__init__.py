"""Reconciliation of what two nodes hold, beyond the memory of gossip (document 09)."""
