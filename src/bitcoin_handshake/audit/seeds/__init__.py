"""The audit of DNS seeds: what they answer, and what the nodes behind the answers are worth."""
