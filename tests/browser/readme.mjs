// Takes the two pictures of the README: the leads as a list, and the page of a person whose sequence runs.
//
// Environment: BASE_URL, SAID (what `relance demo` printed), PICTURES (a folder).

import assert from "node:assert/strict";
import { mkdirSync, readFileSync } from "node:fs";
import { inBrowser, baseUrl } from "./browser.mjs";
import { api } from "./signed_in.mjs";

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
  // Whoever has been written to most and is still in a sequence, reached from the list.
  const { items } = await api(page, "GET", "/enrollments?state=active&limit=100");
  const done = async ({ id }) => (await api(page, "GET", `/enrollments/${id}`)).steps.filter((step) => step.executed_at).length;
  const rows = await Promise.all(items.map(async (one) => ({ person: one.person_id, done: await done(one) })));
  const [busiest] = rows.toSorted((a, b) => b.done - a.done);
  await page.goto(`${baseUrl}/people/${busiest.person}?from=/leads`);
  await page.screenshot({ path: `${process.env.PICTURES}/person.png` });
});
