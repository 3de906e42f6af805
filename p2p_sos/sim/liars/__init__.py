"""Nodes that lie, one file per behaviour; each may stand at any place of the simulated world.

Decides what a liar does instead of what it should. Comes in: the events of its place. Goes out: actions, as from an
honest node. Must not know what honest nodes think, beyond what is said in the mesh.
"""
