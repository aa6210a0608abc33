-- What the stand-in services answer: shaped as the contracts say, about whichever member is asked for.
local STATUSES = { "paid", "approved", "processing", "submitted", "rejected" }
local BENEFITS = { "CONS-GP", "CONS-SP", "PHARMACY", "LAB", "DENTAL", "OPTICAL", "INPATIENT", "MATERNITY" }

local function listed(count, make)
  local items = {}
  for number = 1, count do items[number] = make(number) end
  return '{"items":[' .. table.concat(items, ",") .. "]"
end

local function claims(member, count)
  return listed(count, function(number)
    return string.format(
      '{"id":"clm-%s-%d","claim_number":"2026-%06d","member_id":"%s","status":"%s","service_date":"2026-0%d-11",'
        .. '"submitted_at":"2026-0%d-12T03:00:00Z","total_amount":%d,"approved_amount":null,"rejection_reason":null,'
        .. '"provider":{"id":"prov-1","name":"RS Sehat Sentosa","location":"Bandung, Jawa Barat"},'
        .. '"items":[{"benefit_code":"CONS-GP","description":"Consultation","amount":%d,"quantity":1}],'
        .. '"history":[{"status":"submitted","at":"2026-0%d-12T03:00:00Z","note":null}]}',
      member, number, number, member, STATUSES[(number - 1) % 5 + 1], (number - 1) % 9 + 1,
      (number - 1) % 9 + 1, 125000 * number, 125000 * number, (number - 1) % 9 + 1)
  end) .. ',"total":137}'
end

local function benefits()
  return '{"period_start":"2026-01-01","period_end":"2026-12-31",' .. listed(#BENEFITS, function(number)
    return string.format('{"code":"%s","name":"Benefit %d","category":"outpatient","annual_limit":%d,"used_amount":%d}',
      BENEFITS[number], number, 4000000 * number, 1000000 * number)
  end):sub(2) .. "}"
end

local function notifications(member)
  return listed(5, function(number)
    return string.format(
      '{"id":"ntf-%d","member_id":"%s","provider_id":null,"type":"claim_status","title":"Claim %d moved on",'
        .. '"body":"Your claim is one step further.","created_at":"2026-09-0%dT01:00:00Z","is_read":false,'
        .. '"claim_id":"clm-%s-%d"}', number, member, number, number, member, number)
  end) .. "}"
end

local function person(member)
  return string.format(
    '{"id":"%s","member_number":"MBR-000001","first_name":"Siti","last_name":"Rahayu","date_of_birth":"1990-01-31",'
      .. '"email":"siti@example.com","phone":"+62 000 0000 0001","address":"Jl. Contoh 1, Jakarta","status":"active",'
      .. '"enrollment_date":"2019-03-01","plan":{"id":"plan-gold","name":"Askes Gold","tier":"gold"}}', member)
end

local COVERAGE = '{"status":"active","policy_number":"POL-700001","plan_name":"Askes Gold",'
  .. '"effective_date":"2026-01-01","expiry_date":"2026-12-31"}'

return function(uri, args)
  local member = args.member_id or uri:match("^/members/([^/]+)") or "m-0"
  if uri == "/claims" then return claims(member, tonumber(args.limit) or 20) end
  if uri == "/notifications" then return notifications(member) end
  if uri:find("/benefits$") then return benefits() end
  if uri:find("/coverage$") then return COVERAGE end
  return person(member)
end
