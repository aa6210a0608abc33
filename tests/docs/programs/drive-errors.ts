import { given, tell } from './browser';
import { ProblemError, read } from './errors';
import { api, signIn } from './session';

await signIn(given.email!, given.password!);
const ask = (member_id: string) => () =>
  api.GET('/api/v1/members/{member_id}/coverage', { params: { path: { member_id } } });
const view = await read(ask(given.memberId!));
const refused = await read(ask('m-2')).catch((error: unknown) => error);
tell({
  status: view.coverage?.status,
  refused: refused instanceof ProblemError ? refused.problem.code : null,
});
