"""The audit of DNS seeds: what they answer, and whether the nodes that they name work."""
