// The chat that one would write on Node: INSERT a message, then send it to everybody in the room.
//   ws   /ws/chat/LABEL/                        takes {handle, message}, sends {id, handle, message, timestamp}
//   http /history/LABEL/?before=ID&limit=50     {messages: […]}, the oldest first
// With FRAMES=once a message's frame is made once and not, as by `send`, for each socket.
'use strict';

const http = require('node:http');
const { Pool } = require('pg');
const { Sender, WebSocketServer } = require('ws');

const pool = new Pool({ connectionString: process.env.DATABASE_URL, max: 10 });
const members = new Map(); // label → Set of sockets
const roomIds = new Map(); // label → id

const TABLES = `
  CREATE TABLE IF NOT EXISTS room (id serial PRIMARY KEY, label text UNIQUE NOT NULL);
  CREATE TABLE IF NOT EXISTS message (
    id bigserial PRIMARY KEY, room_id int NOT NULL REFERENCES room, handle text NOT NULL, message text NOT NULL,
    timestamp timestamptz NOT NULL DEFAULT now());
  CREATE INDEX IF NOT EXISTS message_room ON message (room_id, id);
  CREATE INDEX IF NOT EXISTS message_timestamp ON message (timestamp);`;
const FIND_ROOM = 'INSERT INTO room (label) VALUES ($1) ON CONFLICT (label) DO UPDATE SET label = $1 RETURNING id';
const KEEP = 'INSERT INTO message (room_id, handle, message) VALUES ($1, $2, $3) RETURNING id, timestamp';
const PAGE = `
  SELECT id, handle, message, timestamp FROM message WHERE room_id = $1 AND id < $2 ORDER BY id DESC LIMIT $3`;

async function roomId(label) {
  if (!roomIds.has(label)) roomIds.set(label, (await pool.query(FIND_ROOM, [label])).rows[0].id);
  return roomIds.get(label);
}

async function keep(label, { handle, message }) {
  const { rows } = await pool.query(KEEP, [await roomId(label), handle, message]);
  return { id: rows[0].id, handle, message, timestamp: rows[0].timestamp };
}

async function page(url) {
  const { pathname, searchParams } = new URL(url, 'http://localhost');
  const label = pathname.split('/')[2];
  const { rows } = await pool.query(PAGE, [await roomId(label), searchParams.get('before'), searchParams.get('limit')]);
  return { messages: rows.reverse() };
}

function sendEach(room, text) {
  for (const member of room) if (member.readyState === member.OPEN) member.send(text);
}

function sendOnce(room, text) {
  const options = { fin: true, rsv1: false, opcode: 1, mask: false, readOnly: true };
  const frame = Buffer.concat(Sender.frame(Buffer.from(text), options));
  for (const member of room) if (member.readyState === member.OPEN) member._socket.write(frame);
}

const broadcast = process.env.FRAMES === 'once' ? sendOnce : sendEach;

const server = http.createServer(async (request, response) => {
  try {
    const body = JSON.stringify(await page(request.url));
    response.writeHead(200, { 'content-type': 'application/json', 'content-length': Buffer.byteLength(body) });
    response.end(body);
  } catch (error) {
    response.writeHead(500, { 'content-length': 0 });
    response.end();
  }
});

new WebSocketServer({ server }).on('connection', (socket, request) => {
  const label = request.url.split('/')[3];
  if (!members.has(label)) members.set(label, new Set());
  const room = members.get(label).add(socket);
  socket.on('close', () => room.delete(socket));
  socket.on('message', async (frame) => {
    const text = JSON.stringify(await keep(label, JSON.parse(frame)));
    broadcast(room, text);
  });
});

pool.query(TABLES).then(() => server.listen(Number(process.env.PORT), '127.0.0.1', 4096));
