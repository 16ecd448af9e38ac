// @ts-check
// WebAssembly.validate on each file named on the command line. Files after --not must be refused: what a build for newer
// engines gains would otherwise not be in it.
import { readFileSync } from 'node:fs';

const files = process.argv.slice(2);
const split = files.includes('--not') ? files.indexOf('--not') : files.length;
if (split === 0) throw new Error('usage: validate.mjs FILE... [--not FILE...]');
for (const file of files.slice(0, split)) {
  const bytes = readFileSync(file);
  const valid = WebAssembly.validate(bytes);
  console.log(`${valid ? 'valid' : 'INVALID'}  ${file}`);
  // Compiling says what is wrong; validate only that something is.
  if (!valid) new WebAssembly.Module(bytes);
}
for (const file of files.slice(split + 1)) {
  if (WebAssembly.validate(readFileSync(file))) throw new Error(`${file} should need more than this engine has`);
  console.log(`refused, as it should be  ${file}`);
}
