import { given, tell } from './browser';
import { secondsLeft, signInBrowser, signOutBrowser } from './browser-session';
import { api, renewed, signIn, signOut, tokens } from './session';

const me = async () => (await api.GET('/api/v1/auth/me')).data?.member_id ?? null;

const wrong = await signIn(given.email!, 'not the password');
const user = (await signIn(given.email!, given.password!))?.user;
const first = tokens()!;
const [one, other] = await Promise.all([renewed(first), renewed(first)]);
const afterRenewal = await me();
localStorage.setItem('tokens', JSON.stringify({ access_token: given.expired, refresh_token: given.refresh }));
const afterExpiry = await me();
await signOut();

const isBrowserSignedIn = await signInBrowser(given.email!, given.password!);
const left = await secondsLeft(); // Node keeps no cookies
await signOutBrowser();

tell({
  isBrowserSignedIn,
  left,
  wrong,
  user: user?.name,
  isRenewed: one?.access_token !== first.access_token,
  isShared: one?.access_token === other?.access_token,
  afterRenewal,
  afterExpiry,
  afterSignOut: await me(),
});
