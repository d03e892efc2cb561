-- One process says who is in a room: whom it has there, until when that counts, and what it knows to have changed.
-- Answers nothing. What all processes together know is published on the room's channel, at most once in `pace_ms`.
--
-- KEYS[1] is the channel's name in braces. All keys begin with it, so that they are in the channel's slot:
--   :leases   lease → until when it counts, in ms
--   :told     lease → the number of its last claim; `at`: when something was published; `changed`: what was not yet
--   :people   person → since when, in ms
--   :handles  person → handle
--   :<lease>  the people of one lease
-- Nothing here depends on how many people there are, but what is said about those who came and went.

local lease, number, is_known, instead_of = ARGV[1], ARGV[2], ARGV[3] == '1', ARGV[4]
local for_ms, keep_ms, pace_ms = tonumber(ARGV[5]), tonumber(ARGV[6]), tonumber(ARGV[7])
local form, most, joined = ARGV[8], tonumber(ARGV[9]), tonumber(ARGV[10])
local FIRST, REAPED = 11, 1000

local room = KEYS[1]
local leases, told, people, handles = room .. ':leases', room .. ':told', room .. ':people', room .. ':handles'
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
local is_news = redis.call('HEXISTS', told, 'changed') == 1
local is_urgent = lease == ''
local is_unknown, is_more = false, false
local holders

local function key_of(name)
  return room .. ':' .. name
end

local function join(person, handle)
  redis.call('SADD', key_of(lease), person)
  local is_new = redis.call('ZADD', people, 'NX', now, person) == 1
  if is_new or redis.call('HGET', handles, person) ~= handle then
    redis.call('HSET', handles, person, handle)
    is_news = true
  end
end

local function forget(person)
  for _, holder in ipairs(holders) do
    if redis.call('SISMEMBER', key_of(holder), person) == 1 then
      return
    end
  end
  redis.call('ZREM', people, person)
  redis.call('HDEL', handles, person)
  is_news = true
end

local function hold()
  local before = redis.call('HGET', told, lease)
  if is_known and not before then -- it ran out, or Redis has lost it
    is_unknown, is_urgent = true, true
    return
  end
  is_news = is_news or before ~= number
  redis.call('ZADD', leases, now + for_ms, lease)
  redis.call('HSET', told, lease, number)
  local left = FIRST + 2 * joined
  for at = FIRST, left - 2, 2 do
    join(ARGV[at], ARGV[at + 1])
  end
  holders = redis.call('ZRANGE', leases, 0, -1)
  for at = left, #ARGV do
    if redis.call('SREM', key_of(lease), ARGV[at]) == 1 then
      forget(ARGV[at])
    end
  end
  redis.call('PEXPIRE', key_of(lease), 5 * keep_ms) -- longer than the rest: who ran out must still be found
end

local function reap()
  holders = redis.call('ZRANGE', leases, 0, -1)
  for _, lapsed in ipairs(redis.call('ZRANGEBYSCORE', leases, '-inf', now)) do
    redis.call('HDEL', told, lapsed)
    for _, person in ipairs(redis.call('SPOP', key_of(lapsed), REAPED)) do
      forget(person)
    end
    if redis.call('EXISTS', key_of(lapsed)) == 0 then
      redis.call('ZREM', leases, lapsed)
    else
      is_more = true
    end
  end
end

local function publish()
  local last = tonumber(redis.call('HGET', told, 'at') or 0)
  if not is_urgent and now - last < pace_ms then
    redis.call('HSET', told, 'changed', 1)
    return
  end
  redis.call('HDEL', told, 'changed')
  redis.call('HSET', told, 'at', now)
  local present = {}
  local names = redis.call('ZRANGE', people, 0, most - 1)
  if #names > 0 then
    for at, handle in ipairs(redis.call('HMGET', handles, unpack(names))) do
      present[at] = { names[at], handle or names[at] }
    end
  end
  local numbers = redis.call('HGETALL', told)
  if is_unknown then
    table.insert(numbers, lease)
    table.insert(numbers, '?')
  end
  local news = cmsgpack.pack({ redis.call('ZCARD', people), present, numbers, is_more })
  redis.call('SPUBLISH', string.sub(room, 2, -2), form .. news)
end

if instead_of ~= '' then
  redis.call('ZADD', leases, 'XX', 0, instead_of)
end
if lease ~= '' then
  hold()
end
reap()
if is_news or is_urgent then
  publish()
end
if redis.call('EXISTS', leases) == 0 then
  redis.call('DEL', told)
end
for _, key in ipairs({ leases, told, people, handles }) do
  redis.call('PEXPIRE', key, keep_ms)
end
return 1
