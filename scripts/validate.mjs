// @ts-check
// WebAssembly.validate on each file named on the command line.
import { readFileSync } from 'node:fs';

const files = process.argv.slice(2);
if (files.length === 0) throw new Error('usage: validate.mjs FILE...');
for (const file of files) {
  const bytes = readFileSync(file);
  const valid = WebAssembly.validate(bytes);
  console.log(`${valid ? 'valid' : 'INVALID'}  ${file}`);
  // Compiling says what is wrong; validate only that something is.
  if (!valid) new WebAssembly.Module(bytes);
}
