"""The live side: pushes what was decided, and takes commands over sockets.

protocol, client_frames, server_frames, close_codes
                            every frame and close code: the contract, declared
decoding, encoding          a client's text into a frame or a refusal; an event into the bytes of both dialects
bus                         carries committed events between processes, as hints
redis_bus, hints            the bus of many processes, over Redis or Valkey; the bytes in which events travel
redis_address, redis_connection, redis_node, redis_topology, redis_subscriptions
                            REDIS_URL; one connection; a server we stay connected to; who owns which slot; what we hear
company, presence, typists  who is in the rooms and who types; both together, and the beat at which they are told
gathering, notice, lease    one room's people here; what its sockets were told; what the other processes were told
redis_exchange              leases in Redis, and who types: how processes tell each other (with leases.lua)
faults                      a bus that fails on purpose, for tests
hub, hubs, tail, look       one room's live stream in this process, strictly by seq; its last events, kept for those who
                            come back; a look at the store that many share
subscription                one socket's place in one room: catch-up, then live
player, replays             when the events of a replay are due; the replays of one socket
turn, outlet, relay         when sockets are written to; one socket's way out; the way round without our extension
session, classic            a socket that speaks verbatim.v1; one that speaks the guide's dialect
forgetting                  who was erased, told to the rooms in which they took part
refusals                    what a client is told when something goes wrong
admission                   who may open a socket, and how many
consumer, routing           the life of a connection, under Channels
server, http, upgraded      our uvicorn: settings, the request head's time limit, and synchronous writing
affinity                    in which of a machine's processes a room's sockets meet
door, inbox, files          who comes in takes turns; what an open socket waits with; how many of them there may be
"""
