// @ts-check
/** What the machine's browser can do, as the page finds it out. */
import { serve } from '../serve.mjs';

/**
 * Why the page would use no relaxed build, or null.
 * @param {import('playwright-core').Browser} browser
 * @returns {Promise<string | null>}
 */
export async function relaxedBarred(browser) {
  const server = await serve();
  const page = await browser.newPage();
  try {
    await page.goto(`${server.url}bench.html`);
    return await page.evaluate(async () =>
      (await import(new URL('js/worker/features.js', document.baseURI).href)).relaxedBarred(),
    );
  } finally {
    await page.close();
    await server.close();
  }
}
