// Makes one module of a program and all that it imports: node bundle.mjs program.ts program.mjs
import { build } from 'esbuild';

const [program, outfile] = process.argv.slice(2);
await build({ entryPoints: [program], outfile, bundle: true, platform: 'node', format: 'esm', logLevel: 'warning' });
