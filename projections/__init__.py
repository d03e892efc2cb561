"""The read side: remembers.

models                      the tables, which can be thrown away and rebuilt from the log
rows                        writing sets of rows, on both databases
directory, history          the projections: events in, rows out
items                       a message in wire form, and what each event makes of it
runner, checkpoints         following the log, and how far each projection has come
reading, queries, pages     the only way to read: async, by key, from one snapshot, as it is or was
hiding                      what readers may see of a page, and auditors of the past
waiting                     until a projection has come as far as was promised
"""
