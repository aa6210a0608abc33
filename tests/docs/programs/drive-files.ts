import { given, tell } from './browser';
import { bytesOf, linkTo, upload } from './files';
import { signIn } from './session';

await signIn(given.email!, given.password!);
const file = new File(['%PDF-1.4\nreceipt'], 'receipt.pdf', { type: 'application/pdf' });
const document = await upload(given.memberId!, file);
const bytes = await bytesOf(given.memberId!, document.id);
const link = await linkTo(given.memberId!, document.id);
const followed = await fetch(link);
tell({
  name: document.name,
  bytes: await bytes.text(),
  linked: await followed.text(),
  kind: followed.headers.get('Content-Disposition'),
  again: (await fetch(link)).status,
});
