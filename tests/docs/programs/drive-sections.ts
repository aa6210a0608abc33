import { given, tell } from './browser';
import { dashboardOf, noteOf } from './sections';
import { signIn } from './session';

await signIn(given.email!, given.password!);
const view = await dashboardOf(given.memberId!);
tell({
  name: view.member.name,
  claims: view.recent_claims?.length,
  notes: Object.keys(view.meta.sections).map((name) => [name, noteOf(view.meta, name)]),
});
