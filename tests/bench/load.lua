-- For wrk: compares the body of every answer with the file that the first argument names, and prints one line of JSON.

local threads = {}

function setup(thread)
   table.insert(threads, thread)
end

function init(arguments)
   local file = assert(io.open(arguments[1], "rb"))
   expected = file:read("*a")
   file:close()
   wrong = 0
end

function response(status, headers, body)
   -- Another status is an error; wrk counts those itself.
   if status == 200 and body ~= expected then
      wrong = wrong + 1
   end
end

function done(summary, latency, requests)
   local differing = 0
   for _, thread in ipairs(threads) do
      differing = differing + thread:get("wrong")
   end
   local errors = summary.errors
   io.write(string.format(
      '{"requests": %d, "microseconds": %d, "errors": %d, "wrong": %d}\n',
      summary.requests, summary.duration,
      errors.connect + errors.read + errors.write + errors.status + errors.timeout, differing
   ))
end
