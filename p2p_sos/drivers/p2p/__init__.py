"""The mesh over py-libp2p: the one folder that imports it. Import this folder lazily, inside functions."""
