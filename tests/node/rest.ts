// A portal on openapi-fetch, checked by TypeScript against the types that openapi-typescript made of the OpenAPI document.
import createClient from 'openapi-fetch';
import type { components, paths } from './schema.js';

const [baseUrl, email, password, memberId] = process.argv.slice(2) as [string, string, string, string];
const client = createClient<paths>({ baseUrl, querySerializer: { array: { style: 'form', explode: false } } });

const login = await client.POST('/api/v1/auth/login', { body: { email, password } });
if (!login.data) throw new Error(`no sign-in: ${login.error.code}`);
if (!("access_token" in login.data)) throw new Error("no tokens were asked for with a cookie");
const headers = { Authorization: `Bearer ${login.data.access_token}` };

const dashboard = await client.GET('/api/v1/dashboard/{member_id}', {
  params: { path: { member_id: memberId }, query: { sections: ['member', 'recent_claims'] } },
  headers,
});
const claims: components['schemas']['ClaimSummary'][] = dashboard.data?.recent_claims ?? [];
const page = await client.GET('/api/v1/claims/{member_id}', {
  params: { path: { member_id: memberId }, query: { limit: 2, status: 'paid' } },
  headers,
});
const refused = await client.GET('/api/v1/members', { headers });

console.log(
  JSON.stringify({
    name: dashboard.data?.member?.name,
    claims: claims.map((claim) => claim.formatted_amount),
    total: page.data?.total,
    statuses: page.data?.claims.map((claim) => claim.status),
    refusedCode: refused.error?.code,
  }),
);
