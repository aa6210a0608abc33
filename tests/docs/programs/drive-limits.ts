import { given, tell } from './browser';
import { coverageOf, left } from './remembering';
import { api, signIn } from './session';

await signIn(given.email!, given.password!);
const first = await coverageOf(given.memberId!);
const second = await coverageOf(given.memberId!);
const { response } = await api.GET('/api/v1/auth/me');
tell({ status: first?.coverage?.status, isTheSame: first === second, left: left(response) });
