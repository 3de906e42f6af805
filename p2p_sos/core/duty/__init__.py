"""Whoever hears and is able, helps: policy, decisions, the own log, the watch log."""
