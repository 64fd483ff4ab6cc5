// Enrolling as a rep does it: a selection is checked with its chart and started; a person's next email is edited with a
// live preview; a pause shows the dates that follow; a step is moved and skipped; what is blocked is tried again.
//
// Environment: BASE_URL of the demo, EMAIL, PASSWORD.

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { inBrowser, baseUrl } from "./browser.mjs";

const { EMAIL, PASSWORD } = process.env;

/** Presses a button that changes something, and waits until the server has answered. */
async function submit(page, button) {
  const answered = page.waitForResponse((response) => response.request().method() === "POST");
  await button.click();
  await answered;
  await page.waitForLoadState("networkidle");
}

async function signIn(page) {
  await page.goto(`${baseUrl}/sign-in`);
  await page.getByLabel("Email").fill(EMAIL);
  await page.getByLabel("Password").fill(PASSWORD);
  await page.getByRole("button", { name: "Sign in" }).click();
  await page.waitForURL((url) => !url.pathname.startsWith("/sign-in"));
}

/** Three new leads, one without an address; the words that find them. */
async function addLeads(page) {
  const word = `Bulk${Date.now()}`;
  for (const [name, email] of [["One", "one"], ["Two", "two"], ["Three", ""]]) {
    await page.goto(`${baseUrl}/people/new?kind=lead`);
    await page.locator('[name="first_name"]').fill(name);
    await page.locator('[name="last_name"]').fill(word);
    if (email) await page.locator('[name="email"]').fill(`${email}.${word.toLowerCase()}@prospect.example`);
    await submit(page, page.locator(".dialog-foot button.primary"));
  }
  return word;
}

async function enrollMany(page, word) {
  await page.goto(`${baseUrl}/leads?q=${word}`);
  await page.locator("thead input[type=checkbox]").first().check();
  await page.getByRole("button", { name: /sequence/i }).first().click();
  await page.getByRole("heading", { name: "Start a sequence for 3 people" }).waitFor();
  await submit(page, page.getByRole("button", { name: "Next" }));
  await submit(page, page.getByRole("button", { name: "Check", exact: true }));
  await page.getByRole("heading", { name: /^Forecast for/ }).waitFor();
  assert.ok((await page.locator("svg.chart rect.bar1").count()) > 0, "first emails are drawn");
  assert.equal(await page.getByText("Daily quota of this mailbox").count(), 1);
  await page.getByText("The same as a table").click();
  await page.getByRole("region", { name: "Emails per day" }).waitFor();
  await submit(page, page.getByRole("button", { name: /^Left out/ }));
  await page.getByText("has no email address").waitFor();
  const download = page.waitForEvent("download");
  await page.getByRole("button", { name: "Download as CSV" }).click();
  const rows = readFileSync(await (await download).path(), "utf8").trim().split("\r\n");
  assert.equal(rows.length, 2, "a head, and the one who is left out");
  assert.match(rows[1], /,Left out,.*has no email address/);
  await page.getByLabel("Start", { exact: true }).selectOption("at");
  const soon = new Date(Date.now() + 400 * 24 * 3600 * 1000).toISOString().slice(0, 16);
  await page.getByLabel("Date and time, your time").fill(soon);
  await submit(page, page.getByRole("button", { name: "Check again" }));
  await submit(page, page.getByRole("button", { name: "Start for 2 people" }));
  await page.getByText("has no email address").waitFor();
}

async function openEnrollment(page, word) {
  await page.goto(`${baseUrl}/leads?q=One%20${word}`);
  await page.getByRole("link", { name: `One ${word}` }).first().click();
  await page.locator("#widget .widget-rows .head a").first().click();
  await page.getByRole("link", { name: "Edit this email" }).waitFor();
}

async function editEmail(page) {
  await page.getByRole("link", { name: "Edit this email" }).click();
  await page.locator('[name="email.subject"]').fill("Only for you, {{ person.first_name }}");
  await page.locator("turbo-frame#preview").getByText("Only for you, One").waitFor();
  await submit(page, page.getByRole("button", { name: "Save", exact: true }));
  await page.getByText(/^Edited by/).waitFor();
  await page.getByText("Only for you, One").first().waitFor();
}

async function moveAndSkip(page) {
  const far = new Date(Date.now() + 500 * 24 * 3600 * 1000).toISOString().slice(0, 16);
  await page.getByRole("link", { name: "Reschedule" }).click();
  await page.getByLabel("New date and time").fill(far);
  await page.locator("turbo-frame#dates").getByText("What follows").waitFor();
  await submit(page, page.getByRole("button", { name: "Reschedule" }));
  await page.getByText(/^Moved to/).waitFor();
  await page.getByRole("link", { name: "Pause" }).click();
  await page.getByLabel(/^Until/).fill(far);
  await page.locator("turbo-frame#dates").getByText("What follows").waitFor();
  await submit(page, page.getByRole("button", { name: "Pause" }));
  await page.getByText(/Paused until/).first().waitFor();
  await submit(page, page.getByRole("button", { name: "Resume" }));
  await page.getByText(/goes on/).waitFor();
  await submit(page, page.getByRole("button", { name: "Skip this step" }));
  await page.getByText(/was skipped/).waitFor();
}

async function retryAll(page) {
  await page.goto(`${baseUrl}/`);
  const retry = page.getByRole("button", { name: /^Retry/ });
  assert.ok((await retry.count()) > 0, "something is blocked, and can be tried again together");
  await submit(page, retry.first());
  await page.locator(".toast").waitFor();
}

await inBrowser(async (page) => {
  await signIn(page);
  const word = await addLeads(page);
  await enrollMany(page, word);
  await openEnrollment(page, word);
  await editEmail(page);
  await moveAndSkip(page);
  await retryAll(page);
});
