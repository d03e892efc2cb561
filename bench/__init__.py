"""The benchmarks: `python -m bench [name …]`. Each prints a table and writes its figures to bench/results/.

appends   durable appends through the writer, against Django's `acreate()` per message
size      what a large store does to the rate of appending, and how much WAL an event costs
"""
