"""The benchmarks: `python -m bench [name …]`. Each prints a table and writes its figures to bench/results/.

s1, s2, h  whole chats under load, beside a Node server and a stock Channels chat (`bench.shapes`, bench/rivals)
fanout     one message to very many sockets, and how fast (`bench.fanout`, bench/load)
appends    durable appends through the writer, against Django's `acreate()` per message
size       what a large store does to the rate of appending, and how much WAL an event costs
rebuild    what rebuilding every read model costs those who chat meanwhile, on PostgreSQL and SQLite
bus        what the bus costs that carries events between processes, beside redis-py
idle       what an open socket costs that says nothing
slow       readers that stop reading: what becomes of them, and what the others notice
storm      thousands of sockets that are cut off and come back at once
publish    writes the newest figures into docs/performance.md
"""
