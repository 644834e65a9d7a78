"""The tests of bitcoin-handshake."""
