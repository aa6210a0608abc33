import { given, tell } from './browser';
import { claimsOf } from './lists';
import { api, signIn } from './session';

await signIn(given.email!, given.password!);
const ids: string[] = [];
for await (const claim of claimsOf(given.memberId!, 'paid')) ids.push(claim.id);
const params = { path: { member_id: given.memberId! }, query: { status: 'paid', limit: 1 } as const };
const { data } = await api.GET('/api/v1/claims/{member_id}', { params });
tell({ count: new Set(ids).size, total: data?.total, hasMore: data?.has_more });
