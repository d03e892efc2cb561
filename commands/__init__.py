"""The write side: decides.

events, people, errors      what can have happened, in rooms and to people, and every way to be refused
days                        days, and the keys of a room's days
rules, member, message, amending, reaction
                            deciding: small frozen states, `evolve`, and pure decisions
erasing                     the same for people, whatever the room: erasing, and the legal holds that forbid it
keyring, sealing, fresh, erasures
                            the keys of people, how events are sealed with them, and who was erased
store                       what a store can do; `sqlite` and `postgres` are its two forms
states, deciding, attempt, writer
                            one command: its states, its decision, its place in the next commit
gathering                   what many ask at once, loaded together
handlers                    the door for REST and sockets
administration, refusals    the door for what auditors do; what was refused, recorded for them
subscription                reading the log and following it
restoring                   putting events back that were decided elsewhere
merkle, treehead            what proves that nobody rewrote it: the tree over all events, and its signed heads
identity, limits, clock     who is calling, how often they may, and what time it is
"""
