"""What Verbatim is compared with: the chat that one would write instead, as durable as Verbatim's.

node      a Node server: `ws`, `http` and `pg`, an INSERT a message
stock     a Channels chat after its tutorial, with the ORM and the Redis channel layer
c         the physical limit of fan-out, which sends and does nothing else
"""
