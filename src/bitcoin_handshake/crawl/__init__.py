"""Walking the whole network by `getaddr`.

`groups`, `gossip` and `frontier` are pure: which address belongs to which neighbourhood, which told
addresses are taken, and which address is visited next. `executor` is the interface to whoever runs
the visits, and `runner` joins frontier, executor and store.
"""
