"""What must hold in every run, one file per property: `check(trace, facts)` gives each violation.

Decides whether a run kept the promises of the protocol. Comes in: a trace and the facts about its world. Goes out:
violations. Must not know how the world was run, nor which liar did what for which reason.
"""
