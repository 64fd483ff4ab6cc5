// Takes the two pictures of the README: the leads as a list, and the page of a person whose sequence runs.
//
// Environment: BASE_URL, SAID (what `relance demo` printed), PICTURES (a folder).

import assert from "node:assert/strict";
import { mkdirSync, readFileSync } from "node:fs";
import { inBrowser, baseUrl } from "./browser.mjs";

const said = readFileSync(process.env.SAID, "utf8");
const email = said.match(/[\w.+-]+@[\w-]+(?:\.[\w-]+)+/)?.[0];
const password = said.match(/password:?\s+(\S+)/i)?.[1];
assert.ok(email && password, `no sign-in in: ${said}`);

await inBrowser(async (page) => {
  await page.setViewportSize({ width: 1280, height: 800 });
  await page.emulateMedia({ colorScheme: "light", reducedMotion: "reduce" });
  await page.goto(baseUrl);
  await page.locator("input[type=email]").fill(email);
  await page.locator("input[type=password]").fill(password);
  await page.locator("input[type=password]").press("Enter");
  await page.locator("input[type=password]").waitFor({ state: "detached" });
  mkdirSync(process.env.PICTURES, { recursive: true });
  await page.goto(`${baseUrl}/leads`);
  await page.screenshot({ path: `${process.env.PICTURES}/leads.png` });
  // Somebody whose sequence runs: there is always one in the demo.
  const row = page.locator("tr[data-row]").filter({ hasText: "active" }).first();
  const href = await row.locator("a[href*='/people/per_']").first().getAttribute("href");
  await page.goto(new URL(href, baseUrl).href);
  await page.screenshot({ path: `${process.env.PICTURES}/person.png` });
});
