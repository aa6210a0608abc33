import { given, tell } from './browser';
import { signIn } from './session';
import { ask } from './trusted';

await signIn(given.email!, given.password!);
tell(await ask('Name', { memberId: given.memberId! }));
