// @ts-check
// Bundles a file of re-exports from npm packages into one ES module, with the licence of every package in it.
import { copyFileSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { build } from 'esbuild';

const [entry, out] = process.argv.slice(2);
if (!entry || !out) throw new Error('usage: vendor.mjs ENTRY OUT');

const result = await build({
  entryPoints: [entry],
  bundle: true,
  format: 'esm',
  minify: true,
  target: 'es2022',
  legalComments: 'none',
  write: false,
  metafile: true,
});

const packages = new Set(
  Object.keys(result.metafile.inputs).flatMap((path) => path.match(/^node_modules\/(?:@[^/]+\/)?[^/]+/) ?? []),
);
// Minifying drops the comments, but the licences ask that the notices stay with every copy.
const notices = [...packages].sort().map((folder) => {
  const { name, version, homepage } = JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8'));
  return `${name} ${version}, ${homepage}\n\n${readFileSync(join(folder, 'LICENSE'), 'utf8').trim()}`;
});

mkdirSync(dirname(out), { recursive: true });
const banner = `/*!\n${notices.join('\n\n----\n\n').replaceAll('*/', '* /')}\n*/\n`;
writeFileSync(out, banner + result.outputFiles[0].text);
// The entry has nothing but re-exports, so it is its own declaration file.
copyFileSync(entry, out.replace(/\.js$/, '.d.ts'));
console.log(
  `${out}: ${result.outputFiles[0].contents.length} bytes without notices; ${[...packages].sort().join(', ')}`,
);
