// Mailboxes as their owner meets them: the provider found while typing, servers tried, pace and away dates, the domain
// checked against a name service that the test scripts, folders; then the holidays of the workspace.
//
// Environment: BASE_URL, EMAIL, LOGIN (of the admin), ADDRESS, PASSWORD (of the mailbox), IMAP_PORT, SMTP_PORT, DOMAIN.

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { inBrowser, baseUrl } from "./browser.mjs";

const { EMAIL, LOGIN, ADDRESS, PASSWORD, IMAP_PORT, SMTP_PORT, DOMAIN } = process.env;
const axeSource = readFileSync(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");

/** Presses a button that changes something, and waits until the server has answered. */
async function submit(page, button) {
  const answered = page.waitForResponse((response) => response.request().method() === "POST");
  await Promise.all([answered, button.click()]);
  await page.waitForLoadState("networkidle");
}

async function signIn(page) {
  await page.goto(baseUrl);
  await page.locator("input[type=email]").fill(EMAIL);
  await page.locator("input[type=password]").fill(LOGIN);
  await page.locator("input[type=password]").press("Enter");
  await page.locator("input[type=password]").waitFor({ state: "detached" });
}

/** No axe violation, and nothing wider than a phone. */
async function isFine(page) {
  // A notice that is still fading in has not its colours yet.
  await page.evaluate(() => Promise.all(document.getAnimations().filter((one) => one.effect.getComputedTiming().iterations !== Infinity).map((one) => one.finished.catch(() => {}))));
  await page.evaluate(axeSource);
  const { violations } = await page.evaluate(() => globalThis.axe.run(document, { resultTypes: ["violations"] }));
  assert.deepEqual(violations.map(({ id, nodes }) => `${id} ${nodes[0].target.join(" ")}`), [], page.url());
  const before = page.viewportSize();
  await page.setViewportSize({ width: 320, height: 640 });
  const excess = await page.evaluate(() => document.documentElement.scrollWidth - document.documentElement.clientWidth);
  await page.setViewportSize(before);
  assert.ok(excess <= 0, `${page.url()} is ${excess} px too wide`);
}

/** The provider is found by the address alone, also without JavaScript. */
async function findProvider(page, browser) {
  await page.goto(`${baseUrl}/settings/mailboxes/new`);
  await page.getByLabel("Email address").fill("nora@gmx.de");
  await page.getByText("GMX: its servers are filled in.").waitFor();
  await page.getByLabel("Email address").fill("nora@at-fastmail.test");
  await page.getByText("Fastmail: its servers are filled in.").waitFor();
  await isFine(page);
  const plain = await browser.newContext({ javaScriptEnabled: false, storageState: await page.context().storageState() });
  const without = await plain.newPage();
  await without.goto(`${baseUrl}/settings/mailboxes/new`);
  await without.getByLabel("Email address").fill("nora@at-fastmail.test");
  await without.getByRole("button", { name: "Continue" }).click();
  assert.equal(await without.locator('[name="imap.host"]').inputValue(), "imap.fastmail.com");
  assert.equal(await without.locator('[name="address"]').inputValue(), "nora@at-fastmail.test");
  assert.match(await without.locator("main").innerText(), /app password/);
  await plain.close();
}

async function connect(page) {
  await page.goto(`${baseUrl}/settings/mailboxes/new`);
  await page.getByLabel("Email address").fill(ADDRESS);
  await page.getByRole("button", { name: "Continue" }).click();
  await page.getByRole("heading", { name: /own server/ }).waitFor();
  assert.equal(await page.getByLabel("Email address").inputValue(), ADDRESS);
  await page.locator('[name="imap.host"]').fill("localhost");
  await page.locator('[name="imap.port"]').fill(IMAP_PORT);
  await page.locator('[name="imap.password"]').fill("not the password");
  await page.locator('[name="smtp.host"]').fill("localhost");
  await page.locator('[name="smtp.port"]').fill(SMTP_PORT);
  await page.locator('[name="smtp.security"]').selectOption("starttls");
  await submit(page, page.getByRole("button", { name: "Check and connect" }));
  await page.getByText(/incoming server .*password|refused .*password/i).first().waitFor();
  assert.equal(await page.locator('[name="imap.host"]').inputValue(), "localhost");
  assert.equal(await page.locator('[name="imap.password"]').inputValue(), "");
  await page.locator('[name="imap.password"]').fill(PASSWORD);
  await page.getByRole("button", { name: "Check and connect" }).click();
  await page.waitForURL(/\/settings\/mailboxes\/mbx_/);
}

/** Refused with words at the field, also where a browser would show a bubble of its own; then away and ramping up. The first
 *  button is pressed while the notice of connecting still stands: it must not lie over it. */
async function setPace(page) {
  await page.getByRole("button", { name: "Check now" }).waitFor();
  await page.getByLabel("Away").fill("soon");
  await page.getByLabel("By chance, up to % more").fill("30");
  await submit(page, page.getByRole("button", { name: "Save" }));
  await page.getByText("Write soon as 2026-12-24 to 2027-01-02.").waitFor();
  assert.equal(await page.getByLabel("By chance, up to % more").inputValue(), "30");
  await page.getByLabel("Away").fill("2020-01-01 to 2099-12-31");
  await page.getByLabel("Ramp up slowly").check();
  await page.getByLabel("On the first day", { exact: true }).fill("0");
  await submit(page, page.getByRole("button", { name: "Save" }));
  await page.getByText("At least one email on the first day.").waitFor();
  await page.getByLabel("On the first day", { exact: true }).fill("20");
  await submit(page, page.getByRole("button", { name: "Save" }));
  await page.locator(".page-head").getByText("Away", { exact: true }).waitFor();
  await page.getByText(/Ramping up: 20 today, 200 from/).waitFor();
  await page.getByText("0 of 20").first().waitFor();
  await page.getByLabel("Away").fill("");
  // What stands beside an empty box is not shown and not read, so it keeps nothing from being saved.
  await page.getByLabel("On the first day", { exact: true }).fill("0");
  await page.getByLabel("Ramp up slowly").uncheck();
  await page.getByLabel("On the first day", { exact: true }).waitFor({ state: "hidden" });
  await submit(page, page.getByRole("button", { name: "Save" }));
  await page.locator(".page-head").getByText("Works", { exact: true }).waitFor();
  await isFine(page);
}

async function checkDomain(page) {
  const mailbox = page.url();
  await page.getByText(`${DOMAIN} has not been checked yet.`).waitFor();
  await page.getByRole("link", { name: "SPF, DKIM and DMARC" }).click();
  await page.getByRole("button", { name: "Check the domain" }).waitFor();
  await submit(page, page.getByRole("button", { name: "Check the domain" }));
  const card = (name) => page.locator(`section[aria-label="${name}"]`);
  await card("SPF").getByText("Good").waitFor();
  await card("DKIM").getByText("Not known").waitFor();
  await card("DMARC").getByText("Needs attention").waitFor();
  assert.match(await card("DMARC").innerText(), new RegExp(`_dmarc\\.${DOMAIN}[^]*v=DMARC1; p=none`));
  await isFine(page);
  await page.getByLabel("DKIM selector").fill("no spaces please");
  await submit(page, page.getByRole("button", { name: "Check again" }));
  await page.getByText("A selector has letters, digits, dots and hyphens only").waitFor();
  await page.getByLabel("DKIM selector").fill("s9");
  await submit(page, page.getByRole("button", { name: "Check again" }));
  await card("DKIM").getByText("Good").waitFor();
  await page.getByText("Entered by hand.").waitFor();
  await page.goto(mailbox);
  await page.getByText("DMARC needs attention.").waitFor();
}

async function chooseFolders(page) {
  const mailbox = page.url();
  await page.goto(`${mailbox.split("?")[0]}/folders`);
  await page.getByText("INBOX").first().waitFor();
  await isFine(page);
  await submit(page, page.getByRole("button", { name: "Save" }));
  await page.getByText("The folders are read from now on.").waitFor();
}

async function addSandbox(page) {
  await page.goto(`${baseUrl}/settings/mailboxes/new?preset=sandbox`);
  await page.getByRole("button", { name: "Create the sandbox" }).click();
  await page.getByRole("link", { name: "Open the sandbox" }).waitFor();
  await submit(page, page.getByRole("button", { name: "Send from here by default" }));
  await page.getByText("New sequences send from this mailbox where you choose no other.").waitFor();
}

async function keepHolidays(page) {
  await page.goto(`${baseUrl}/settings/holidays?year=2026`);
  await page.getByText("No holidays in 2026").waitFor();
  await isFine(page);
  await page.getByLabel("Country or region").selectOption("DE");
  await submit(page, page.getByRole("button", { name: "Keep its holidays free" }));
  const easter = page.getByRole("row", { name: /6 April Monday Easter Monday/ });
  await easter.waitFor();
  await submit(page, easter.getByRole("button", { name: "Leave out 6 April" }));
  await easter.getByText("left out: emails leave").waitFor();
  await submit(page, easter.getByRole("button", { name: "Keep 6 April free again" }));
  await easter.getByText("left out: emails leave").waitFor({ state: "detached" });
  await page.getByLabel("Date", { exact: true }).fill("2026-07-03");
  await page.getByLabel("What it is called").fill(`Company <img src=x onerror="globalThis.__ran=1"> day`);
  await submit(page, page.getByRole("button", { name: "Add the day" }));
  await page.getByRole("row", { name: /3 July Friday Company/ }).waitFor();
  assert.equal(await page.evaluate(() => globalThis.__ran), undefined);
  await page.getByLabel("Date", { exact: true }).fill("2026-07-03");
  await page.getByLabel("What it is called").fill("Again");
  await submit(page, page.getByRole("button", { name: "Add the day" }));
  await page.getByText("2026-07-03 is among your own days already.").waitFor();
  assert.equal(await page.getByLabel("What it is called").inputValue(), "Again");
  await isFine(page);
  await page.getByRole("link", { name: "2027" }).click();
  await page.getByRole("row", { name: /29 March Monday Easter Monday/ }).waitFor();
}

await inBrowser(async (page, { browser, errors }) => {
  await signIn(page);
  await findProvider(page, browser);
  await connect(page);
  await setPace(page);
  await checkDomain(page);
  await chooseFolders(page);
  await addSandbox(page);
  await keepHolidays(page);
  // A refused form answers 422, which the console names.
  errors.splice(0, errors.length, ...errors.filter((error) => !/status of 422/.test(error)));
});
