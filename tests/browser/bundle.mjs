// Makes the portal's one script.
import { build } from 'esbuild';

await build({ entryPoints: ['portal.ts'], outfile: 'portal.js', bundle: true, platform: 'browser', format: 'esm', logLevel: 'warning' });
