"""How an address is reached: directly, through a proxy, through I2P's SAM, or not at all and why.

`limits` has the table of each network's limits, `proxy` the text forms of a proxy, `options` what the
caller chose, `ways` the two kinds of way, `router` decides by network and keeps what is shared: whether
a Tor answers on this machine, and the I2P session.
"""
