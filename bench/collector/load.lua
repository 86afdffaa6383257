-- wrk's part: one batch over and over, each time with a session of its own, so that every line becomes a row.
--
--   wrk … -s load.lua URL -- BATCH_FILE BATCH_SESSION ROUND
--
-- Prints one line of JSON at the end, after wrk's own words.

local threads = {}

function setup(thread)
  thread:set("number", #threads)
  table.insert(threads, thread)
end

function init(arguments)
  local file = assert(io.open(arguments[1], "r"))
  local batch, session = file:read("*a"), arguments[2]
  file:close()
  parts = {}
  local from = 1
  while true do
    local first, last = string.find(batch, session, from, true)
    table.insert(parts, string.sub(batch, from, first and first - 1))
    if not first then break end
    from = last + 1
  end
  round, sent = tonumber(arguments[3]), 0
  wrk.headers["Content-Type"] = "text/plain;charset=UTF-8"
end

-- No `response` beside it: answers are told by their status, and what became of the lines by the rows themselves.
-- Looking into each answer would make wrk the slowest of the three.
function request()
  sent = sent + 1
  -- 12 digits: two of the round, two of the thread, eight that count.
  return wrk.format("POST", nil, nil, table.concat(parts, string.format("%02d%02d%08d", round, number, sent)))
end

function done(summary, latency)
  local sent = 0
  for _, thread in ipairs(threads) do sent = sent + thread:get("sent") end
  local errors = summary.errors
  print(string.format(
    '{"requests":%d,"sent":%d,"seconds":%f,"status":%d,"connect":%d,"read":%d,"write":%d,"timeout":%d,' ..
      '"p50Ms":%f,"p99Ms":%f,"maxMs":%f}',
    summary.requests, sent, summary.duration / 1e6, errors.status, errors.connect, errors.read, errors.write,
    errors.timeout, latency:percentile(50) / 1e3, latency:percentile(99) / 1e3, latency.max / 1e3))
end
