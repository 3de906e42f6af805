"""The gossip router: GossipSub on the wire, with its own choice of eager links."""
