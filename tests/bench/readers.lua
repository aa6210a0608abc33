-- wrk's requests: WHAT is dashboard, claims or graphql; MEMBERS many are read in turn (0: each is read once); RUN keeps
-- runs apart; TOKENS is a file with a token in each line: the member of a number reads with that of the same number.
local what, members = os.getenv("WHAT"), tonumber(os.getenv("MEMBERS"))
local run, count = os.getenv("RUN"), 0
local threads, headers = {}, {}
partial, shed, failed = 0, 0, 0 -- global, so that done() can read each thread's

for token in io.lines(os.getenv("TOKENS")) do
  headers[#headers + 1] = { Authorization = "Bearer " .. token, Accept = "application/json",
    ["Content-Type"] = what == "graphql" and "application/json" or nil }
end

local query = "query D($m: String!) { memberDashboard(memberId: $m) { memberId name planName "
  .. "recentClaims { id claimNumber status serviceDate totalAmount providerName } "
  .. "benefitsSummary { totalLimit totalUsed items { code name annualLimit usedAmount } } "
  .. "notifications { id title createdAt } } }"

function request()
  count = count + 1
  local number = members > 0 and count % members or count
  local member = members > 0 and "m-" .. number or "m-" .. run .. "-" .. count
  local own = headers[number % #headers + 1]
  if what == "graphql" then
    return wrk.format("POST", "/graphql", own, '{"query":"' .. query .. '","variables":{"m":"' .. member .. '"}}')
  end
  return wrk.format("GET", "/api/v1/" .. what .. "/" .. member, own)
end

function setup(thread) threads[#threads + 1] = thread end

-- A dashboard that lacks its claims or its benefits is no whole answer, whoever calls it one.
function response(status, _, body)
  if status == 503 then
    shed = shed + 1
  elseif status >= 400 then
    failed = failed + 1
  else
    for _, lack in ipairs({ '"recent_claims":null', '"benefits_summary":null', '"complete":false', '"errors":' }) do
      if body:find(lack, 1, true) then
        partial = partial + 1
        break
      end
    end
  end
end

function done(summary, latency)
  local errors, sums = summary.errors, { partial = 0, shed = 0, failed = 0 }
  for _, thread in ipairs(threads) do
    for name, sum in pairs(sums) do sums[name] = sum + thread:get(name) end
  end
  io.write(string.format("FIGURES %f %f %f %d %d %d %d\n", summary.requests / summary.duration * 1e6,
    latency:percentile(50) / 1e3, latency:percentile(99) / 1e3, summary.requests, sums.partial, sums.shed,
    sums.failed + errors.connect + errors.read + errors.timeout))
end
