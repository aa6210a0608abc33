import { given, tell } from './browser';
import { signIn } from './session';
import { submit } from './submit';

await signIn(given.email!, given.password!);
const claim = {
  member_id: given.memberId!,
  provider_id: 'prov-1',
  service_date: given.day!,
  items: [{ benefit_code: 'CONS-GP', amount: 150_000 }],
};
const outcome = await submit(claim, 'one-press-of-the-button');
const again = await submit(claim, 'one-press-of-the-button');
tell({ outcome, again });
