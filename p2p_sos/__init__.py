"""p2p-sos: an SOS for cyberspace."""
