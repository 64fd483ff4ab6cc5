// Chromium starts, draws a page and runs its script: what every other browser test relies on.

import assert from "node:assert/strict";
import { inBrowser } from "./browser.mjs";

await inBrowser(async (page) => {
  await page.setContent("<title>before</title><script>document.title = 'after'</script>");
  assert.equal(await page.title(), "after");
});
