// A portal on the programs of the pages for portal developers, with Apollo Client's normalising cache beside them.
import { ApolloClient, HttpLink, InMemoryCache, gql } from '@apollo/client';
import { GATEWAY } from './config';
import { bytesOf, linkTo, upload } from './files';
import { dashboardOf, noteOf } from './sections';
import { api, signIn, withToken } from './session';
import { submit } from './submit';

const MEMBER = 'm-1';
const apollo = new ApolloClient({
  link: new HttpLink({ uri: `${GATEWAY}/graphql`, fetch: (address, options) => withToken(new Request(address, options)) }),
  cache: new InMemoryCache(),
});
const CLAIMS = gql`
  query Claims($memberId: String!, $offset: Int) {
    claims(memberId: $memberId, limit: 3, offset: $offset) { id hasMore offset claims { id status displayNumber } }
  }
`;
const CLAIM = gql`
  query Claim($memberId: String!, $claimId: String!) {
    claim(memberId: $memberId, claimId: $claimId) { id status displayNumber actions }
  }
`;
const CANCEL = gql`
  mutation Cancel($memberId: String!, $claimId: String!) {
    cancelClaim(memberId: $memberId, claimId: $claimId) { status claim { id status actions } }
  }
`;

const at = <T extends HTMLElement = HTMLElement>(id: string) => document.getElementById(id) as T;
const say = (id: string, text: string) => {
  at(id).textContent = text;
};
const on = (id: string, work: () => Promise<void>) => {
  at(id).onclick = () => work().catch((error: Error) => say('refused', `error: ${error.message}`));
};
const items = (id: string, texts: string[]) =>
  at(id).replaceChildren(...texts.map((text) => Object.assign(document.createElement('li'), { textContent: text })));

at('sign-in').onsubmit = async (event) => {
  event.preventDefault();
  const signedIn = await signIn(at<HTMLInputElement>('email').value, at<HTMLInputElement>('password').value);
  say('user', signedIn?.user ? signedIn.user.name : 'nobody');
};
on('me', async () => {
  const { data } = await api.GET('/api/v1/auth/me');
  say('user', data?.name ?? 'nobody');
});
on('dashboard', async () => {
  const view = await dashboardOf(MEMBER);
  items('sections', Object.keys(view.meta.sections).map((name) => `${name}: ${noteOf(view.meta, name)}`));
});
on('claims', async () => {
  const watched = apollo.watchQuery<any>({ query: CLAIMS, variables: { memberId: MEMBER, offset: 0 } });
  watched.subscribe(({ data, error }) => {
    if (error) say('refused', `error: ${error.message}`);
    if (!data?.claims) return;
    items('list', data.claims.claims.map((claim: any) => `${claim.displayNumber} ${claim.status}`));
    on('more', async () => {
      await watched.fetchMore({
        variables: { offset: data.claims.claims.length },
        updateQuery: (old, { fetchMoreResult: { claims } }) => ({
          claims: { ...old.claims, hasMore: claims.hasMore, claims: [...old.claims.claims, ...claims.claims] },
        }),
      });
    });
    const open = data.claims.claims.find((claim: any) => claim.status === 'submitted');
    if (open && !at('detail').textContent) watch(open.id);
  });
});
function watch(claimId: string): void {
  const variables = { memberId: MEMBER, claimId };
  apollo.watchQuery<any>({ query: CLAIM, variables }).subscribe(({ data }) => {
    if (data?.claim) say('detail', `${data.claim.displayNumber} ${data.claim.status}`);
  });
  on('cancel', async () => {
    await apollo.mutate({ mutation: CANCEL, variables });
  });
}
on('submit', async () => {
  say('outcome', 'pending');
  const day = new Date(Date.now() - 7 * 86_400_000).toISOString().slice(0, 10);
  const items = [{ benefit_code: 'CONS-GP', amount: 150_000 }];
  const claim = { member_id: MEMBER, provider_id: 'prov-1', service_date: day, items };
  const outcome = await submit(claim, crypto.randomUUID());
  say('outcome', String(outcome.status));
});
let documentId = '';
at('file').onchange = async () => {
  const stored = await upload(MEMBER, at<HTMLInputElement>('file').files![0]!);
  documentId = stored.id;
  say('document', stored.name);
};
on('download', async () => say('bytes', await (await bytesOf(MEMBER, documentId)).text()));
on('link', async () => {
  Object.assign(at('linked'), { href: await linkTo(MEMBER, documentId), hidden: false });
});
on('hurry', async () => {
  for (;;) {
    const { error, response } = await api.GET('/api/v1/auth/me');
    if (!error) continue;
    say('refused', `${response.status} ${error.code} ${Number(response.headers.get('Retry-After')) > 0}`);
    return;
  }
});
