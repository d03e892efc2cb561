"""The shapes: whole chats under load, Verbatim and its rivals in turns. Read them in this order.

sitting      contenders take turns on one PostgreSQL and one Valkey; medians become a table
contenders   what takes turns, and how each is installed, prepared and started
load         the generator: `python -m bench.shapes.load`, a process of its own
closed_loop  S1: 200 senders in 50 rooms of 4, each sends again when its message came back
rising       S2: a room of 500, one sender, faster and faster
pages        H: pages of 50 out of a long history; and how Verbatim's is filled
member       a member's socket, and what is heard; `dialect` knows each server's addresses and frames
meter        CPU by part, from the process trees
"""
