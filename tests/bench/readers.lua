-- wrk's requests: WHAT is dashboard, claims or graphql; MEMBERS many are read in turn (0: each is read once); RUN keeps runs apart.
local what, members = os.getenv("WHAT"), tonumber(os.getenv("MEMBERS"))
local run, count = os.getenv("RUN"), 0
local threads = {}
partial = 0 -- global, so that done() can read each thread's
local headers = { Authorization = "Bearer " .. os.getenv("TOKEN"), Accept = "application/json" }

local query = "query D($m: String!) { memberDashboard(memberId: $m) { memberId name planName "
  .. "recentClaims { id claimNumber status serviceDate totalAmount providerName } "
  .. "benefitsSummary { totalLimit totalUsed items { code name annualLimit usedAmount } } "
  .. "notifications { id title createdAt } } }"
if what == "graphql" then headers["Content-Type"] = "application/json" end

function request()
  count = count + 1
  local member = members > 0 and "m-" .. count % members or "m-" .. run .. "-" .. count
  if what == "graphql" then
    return wrk.format("POST", "/graphql", headers, '{"query":"' .. query .. '","variables":{"m":"' .. member .. '"}}')
  end
  return wrk.format("GET", "/api/v1/" .. what .. "/" .. member, headers)
end

function setup(thread) threads[#threads + 1] = thread end

-- A dashboard that lacks its claims or its benefits is no answer, whoever calls it one.
function response(_, _, body)
  for _, lack in ipairs({ '"recent_claims":null', '"benefits_summary":null', '"errors":' }) do
    if body:find(lack, 1, true) then partial = partial + 1 end
  end
end

function done(summary, latency)
  local errors, missing = summary.errors, 0
  for _, thread in ipairs(threads) do missing = missing + thread:get("partial") end
  io.write(string.format("FIGURES %f %f %f %d\n", summary.requests / summary.duration * 1e6,
    latency:percentile(50) / 1e3, latency:percentile(99) / 1e3,
    errors.status + errors.connect + errors.read + errors.timeout + missing))
end
