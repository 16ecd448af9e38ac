// @ts-check
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { root } from './harness.mjs';

const axe = readFileSync(join(root, 'node_modules/axe-core/axe.min.js'), 'utf8');

/**
 * What axe finds serious or critical in the page as it is; the rest is only mentioned.
 * @param {import('playwright-core').Page} page
 * @param {import('node:test').TestContext} t
 * @param {string} [part]   a selector, where the rest of the page has been looked at before
 */
export async function seriousFaults(page, t, part) {
  // Put in through the debugger, because the page's own policy forbids foreign scripts.
  if (!(await page.evaluate(() => 'axe' in globalThis))) await page.evaluate(axe);
  const violations = await page.evaluate(async (part) => {
    const { violations } = await /** @type {any} */ (globalThis).axe.run(part ?? document, {
      runOnly: ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa', 'best-practice'],
    });
    return violations.map((/** @type {any} */ { id, impact, help, nodes }) => ({
      id,
      impact,
      help,
      where: nodes.slice(0, 5).map((/** @type {any} */ node) => `${node.target.join(' ')}: ${node.failureSummary}`),
    }));
  }, part);
  for (const violation of violations) t.diagnostic(JSON.stringify(violation));
  return violations.filter((/** @type {any} */ { impact }) => impact === 'serious' || impact === 'critical');
}
