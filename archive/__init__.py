"""What leaves a server as a file, what such a file proves, and what comes back from one.

lines, manifest             an NDJSON export: a line an event, and what is said about all of them at the end
part, exporting, messages    which part of the record leaves, as events or as messages
ndjson, table, page         the three formats: for machines, spreadsheets, people
checking, stored, regrowing, heads
                            whether a file is what it says, offline
restoring                   reading an NDJSON export back
sources, slack, matrix, guide
                            reading what other chats export
"""
