"""Fan-out: one message to very many sockets, Verbatim and its rivals in turns. Read it in this order.

sittings    what is measured, and the tables: `closed`, `steady`, `s2`
contenders  Verbatim in one process, its hub alone, Node, C and stock Channels; on a core of their own
injected    the process in which the hub is alone: events come from behind the store
generator   our load generator in C (bench/load), compiled when it is needed, and its phases
search      the highest rate that a server holds
"""
