"""Simulated peers, from Bitcoin Core's own conduct to hostile ones, on loopback."""
