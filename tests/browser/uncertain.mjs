// Two emails that may have left: of one a person says that it was sent, the other is sent again.
//
// Environment: BASE_URL, EMAIL, PASSWORD, ARRIVED and LOST (paths of the two people).

import assert from "node:assert/strict";
import { inBrowser, baseUrl } from "./browser.mjs";

const { EMAIL, PASSWORD, ARRIVED, LOST } = process.env;

async function decide(page, path, button) {
  await page.goto(`${baseUrl}${path}`);
  assert.match(await page.locator("main").innerText(), /uncertain: it may have left/);
  await page.locator('a[href="#w-blocked"]').click();
  const answered = page.waitForResponse((response) => response.request().method() === "POST");
  await page.locator("#w-blocked").getByRole("button", { name: button }).click();
  await answered;
  await page.waitForLoadState("networkidle");
  await page.goto(`${baseUrl}${path}`);
  assert.equal(await page.getByRole("button", { name: button }).count(), 0, "it is decided once");
}

await inBrowser(async (page) => {
  await page.goto(baseUrl);
  await page.locator("input[type=email]").fill(EMAIL);
  await page.locator("input[type=password]").fill(PASSWORD);
  await page.getByRole("button", { name: "Sign in" }).click();
  await page.getByRole("link", { name: "Leads" }).first().waitFor();
  await decide(page, ARRIVED, "Mark as sent");
  await decide(page, LOST, "Send again");
});
