"""Tests of the drivers: real loopback sockets, real files, no Internet."""
