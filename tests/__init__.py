"""The tests; the folders mirror p2p_sos."""
