"""The real world: libp2p, trio, disk, sockets."""
