"""The read side: remembers.

models                      the tables, which can be thrown away and rebuilt from the log
rows                        writing sets of rows, on both databases
directory, history          the projections: events in, rows out
items                       a message in wire form, and what each event makes of it
runner, checkpoints         following the log, and how far each projection has come
reading, queries, page, hiding
                            the only way to read: async, by key, from one snapshot
"""
