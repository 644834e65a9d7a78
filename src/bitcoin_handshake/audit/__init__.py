"""Audits: what the results of handshakes mean for the operator of a node.

`facts` reads records, `findings` and `rules` judge them (both pure), `doctor` asks the nodes, and
`report` writes the findings as text, JSON, Markdown and for Nagios.
"""
