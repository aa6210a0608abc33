import { given, tell } from './browser';
import { apollo, cancel, dashboard } from './apollo';
import { signIn } from './session';
import { nameOf } from './urql';

await signIn(given.email!, given.password!);
const { view, missing } = await dashboard(given.memberId!);
const open = view?.recentClaims?.find((claim) => claim.status === 'submitted');
const cancelled = open ? await cancel(given.memberId!, open.id) : null;
const entities = apollo.cache.extract() as Record<string, { status?: string }>;
const kept = entities[`Claim:${open?.id}`];
tell({
  name: view?.name,
  isComplete: view?.meta.complete,
  missing,
  cancelled: cancelled?.claim?.status,
  kept: kept?.status,
  urql: await nameOf(given.memberId!),
});
