// The page of a person as a rep uses it: quick add with a warning while typing, fields edited in place by keyboard,
// a note, the filtered history, a call, the list one came from, conversion with a merge, and filling in what people lack.
//
// Environment: BASE_URL, EMAIL, PASSWORD (of the demo's admin).

import assert from "node:assert/strict";
import { inBrowser, baseUrl } from "./browser.mjs";

const { EMAIL, PASSWORD } = process.env;
const known = { last: `Known${Date.now()}`, email: `known${Date.now()}@quick.example` };

async function signIn(page) {
  await page.goto(baseUrl);
  await page.locator("input[type=email]").fill(EMAIL);
  await page.locator("input[type=password]").fill(PASSWORD);
  await page.locator("input[type=password]").press("Enter");
  await page.locator("input[type=password]").waitFor({ state: "detached" });
}

/** Does something that sends a form, and waits until the page has settled. */
async function sent(page, act) {
  const answered = page.waitForResponse((response) => response.request().method() === "POST");
  await act();
  await answered;
  await page.waitForLoadState("networkidle");
}

async function quickAdd(page) {
  await page.goto(`${baseUrl}/leads`);
  await page.getByRole("link", { name: "New lead" }).first().click();
  const dialog = page.locator("dialog[open]");
  await dialog.getByLabel("Last name").fill(known.last);
  await dialog.getByLabel("Email", { exact: true }).fill(known.email);
  await sent(page, () => dialog.getByRole("button", { name: "Create" }).click());
  await page.getByRole("heading", { name: known.last }).waitFor();
  const first = page.url();

  await page.goto(`${baseUrl}/leads`);
  await page.keyboard.press("n");
  await dialog.getByLabel("Last name").fill("Second");
  assert.equal(await dialog.getByLabel("LinkedIn").isVisible(), false, "few fields first");
  await dialog.getByLabel("Email", { exact: true }).pressSequentially(known.email.toUpperCase());
  await dialog.getByText("has this email address already").waitFor();
  const link = dialog.getByRole("link", { name: `Open ${known.last}` });
  assert.equal(new URL(await link.getAttribute("href"), baseUrl).href, first, "the warning leads to the duplicate");
  page.once("dialog", (question) => question.accept());
  await link.click();
  await page.waitForURL(first);
}

async function editInPlace(page) {
  const industry = page.locator("#edit-industry");
  await industry.focus();
  await page.keyboard.press("Enter");
  const field = page.locator("#fact-industry input");
  await field.waitFor();
  assert.ok(await field.evaluate((input) => input === document.activeElement), "the field has the focus");
  await page.keyboard.press("Escape");
  await industry.waitFor();
  await page.waitForFunction(() => document.activeElement?.id === "edit-industry");
  await page.keyboard.press("Enter");
  await field.fill("Cold chain");
  await sent(page, () => page.keyboard.press("Enter"));
  await page.locator("#fact-industry").getByText("Cold chain").waitFor();
  await page.getByText("Changed industry").first().waitFor();

  await page.locator("#edit-email").click();
  const email = page.locator("#fact-email input");
  await email.fill("nonsense@");
  await email.evaluate((input) => (input.form.noValidate = true));
  await page.locator("#fact-email .primary").click();
  await page.locator("#fact-email .field-error").waitFor();
  await page.waitForFunction(() => document.activeElement?.matches("#fact-email [aria-invalid=true]"));
  assert.equal(await email.inputValue(), "nonsense@", "what was typed is kept");
  await page.keyboard.press("Escape");
  await page.locator("#fact-email").getByText(known.email).waitFor();
}

async function noteAndFilter(page) {
  await page.getByLabel("Note", { exact: true }).fill("Ask for Felixstowe.");
  await sent(page, () => page.getByRole("button", { name: "Add note" }).click());
  await page.locator(".feed").getByText("Ask for Felixstowe.").waitFor();
  await page.getByRole("navigation", { name: "What is shown" }).getByRole("link", { name: "Notes and calls" }).click();
  await page.locator(".feed").getByText("Changed industry").waitFor({ state: "detached" });
  await page.locator(".feed").getByText("Ask for Felixstowe.").waitFor();
  assert.match(page.url(), /show=notes/);
  await page.getByRole("navigation", { name: "What is shown" }).getByRole("link", { name: "All", exact: true }).click();
  await page.locator(".feed").getByText("Changed industry").first().waitFor();
}

/** Through a list by keys; a call logged on the way leaves one in the list. */
async function throughAList(page) {
  const here = page.url();
  await page.goto(`${baseUrl}/leads?sort=-name`);
  await page.keyboard.press("j");
  await page.keyboard.press("Enter");
  await page.getByRole("navigation", { name: "Through the list" }).getByText(/^1 of \d+$/).waitFor();
  await page.keyboard.press("j");
  await page.getByRole("navigation", { name: "Through the list" }).getByText(/^2 of \d+$/).waitFor();
  await page.keyboard.press("l");
  const dialog = page.locator("dialog[open]");
  await dialog.getByText("Left a message").click();
  await dialog.getByLabel("What was said").fill("Back on Monday.");
  await sent(page, () => dialog.getByRole("button", { name: "Log call" }).click());
  await page.locator(".feed").getByText("Back on Monday.").waitFor();
  await page.getByRole("navigation", { name: "Through the list" }).getByText(/^2 of \d+$/).waitFor();
  await page.keyboard.press("k");
  await page.getByRole("navigation", { name: "Through the list" }).getByText(/^1 of \d+$/).waitFor();
  await page.goto(here);
}

async function convertWithMerge(page) {
  const lead = new URL(page.url()).pathname;
  await page.goto(`${baseUrl}/people/new?kind=contact`);
  await page.getByLabel("Last name").fill("Contact");
  await page.getByLabel("Email", { exact: true }).fill(known.email);
  await sent(page, () => page.locator(".dialog-foot .primary").click());
  await sent(page, () => page.getByRole("button", { name: "Save anyway" }).click());
  await page.waitForURL(/\/people\/per_/);
  const contact = new URL(page.url()).pathname;
  await page.goto(baseUrl + lead);
  await page.getByRole("link", { name: /Convert to contact/ }).click();
  const dialog = page.locator("dialog[open]");
  await dialog.getByText("Cold chain").first().waitFor();
  await dialog.getByText("from the lead").first().waitFor();
  await sent(page, () => dialog.getByRole("button", { name: "Merge and convert" }).click());
  await page.waitForURL(baseUrl + contact);
  await page.locator("#fact-industry").getByText("Cold chain").waitFor();
  await page.goto(baseUrl + lead);
  assert.equal(new URL(page.url()).pathname, contact, "the lead's address leads to the contact");
}

async function statusFromTheHead(page) {
  await page.goto(`${baseUrl}/leads`);
  await page.locator("tbody a, .index-rows a").first().click();
  const menu = page.getByRole("button", { name: /^Status: / });
  await menu.waitFor();
  const other = (await menu.innerText()).includes("Working") ? "Contacted" : "Working";
  await menu.click();
  await sent(page, () => page.locator("#person-status").getByRole("button", { name: other }).click());
  await page.locator("[popovertarget=person-status]", { hasText: other }).waitFor();
  await page.locator("#fact-status").getByText(other).waitFor();
}

/** Two clicks on a button that only a server could tell apart. */
async function doubleClickWithoutScripts(browser, page) {
  const context = await browser.newContext({ javaScriptEnabled: false });
  await context.addCookies(await page.context().cookies());
  const plain = await context.newPage();
  await plain.goto(`${baseUrl}/people/new?kind=lead`);
  await plain.getByLabel("Last name").fill(`${known.last}twice`);
  await plain.getByRole("button", { name: "Create" }).dblclick();
  await plain.getByRole("heading", { name: `${known.last}twice` }).waitFor();
  await plain.getByRole("textbox", { name: "Note" }).fill("Said once");
  await plain.getByRole("button", { name: "Add note" }).dblclick();
  await plain.locator(".feed").getByText("Said once").first().waitFor();
  assert.equal(await plain.locator(".feed li", { hasText: "Said once" }).count(), 1, "one note");
  await plain.goto(`${baseUrl}/leads?q=${known.last}twice`);
  assert.equal(await plain.locator("[data-row]").count(), 1, "one lead");
  await context.close();
}

async function completeData(page) {
  await page.goto(`${baseUrl}/complete-data`);
  const fields = page.locator(".complete input.input");
  const number = await fields.count();
  assert.ok(number > 0, "the demo has people whose sequences wait for data");
  for (let at = 0; at < number; at += 1) await fields.nth(at).fill("Logistics");
  await sent(page, () => page.getByRole("button", { name: "Save all" }).click());
  await page.getByText(/completed\. What waited for it goes on by itself/).waitFor();
  await page.getByText("Nothing is missing").waitFor();
}

await inBrowser(async (page, { browser, errors }) => {
  await signIn(page);
  await quickAdd(page);
  await editInPlace(page);
  await noteAndFilter(page);
  await throughAList(page);
  await convertWithMerge(page);
  await statusFromTheHead(page);
  await doubleClickWithoutScripts(browser, page);
  await completeData(page);
  // A refused form answers 422, which the browser reports; nothing else may be amiss.
  const amiss = errors.filter((error) => !error.includes("422"));
  errors.length = 0;
  errors.push(...amiss);
});
