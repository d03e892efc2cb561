"""The read side: remembers.

models                      the tables, which can be thrown away and rebuilt from the log
rows                        writing sets of rows, on both databases
directory, history, people  the projections, all of them in `known`: events in, rows out
forgetting                  what else has the words of somebody who was erased
items                       a message in wire form, and what each event makes of it
proof, tiles, signing       the tree over all events, as it is kept, and its signed heads
proofs                      proofs from it, for everybody
verifying, evidence         the whole log against the tree and its heads: `meeting`, `judging`, `differing` and
                            `seqs` find what is wrong, `findings` and `reporting` say it
runner, applying            following the log, batch by batch
checkpoints, leading        how far each projection has come, and who brings it forward
rebuilding, beside          building a projection anew beside the one in use, and exchanging them
beside_*, versions          its tables there, on both databases
comparing                   what two versions of a projection have in common, and what not
parking                     rooms that were set aside, and trying them again
reading, queries, pages     the only way to read: async, by key, from one snapshot, as it is or was
hiding                      what readers may see of a page, and auditors of the past
walk                        along the tree from leaf to leaf, for exports
waiting                     until a projection has come as far as was promised
"""
