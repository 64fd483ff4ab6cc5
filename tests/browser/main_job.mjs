// The main job as a person does it: set up, connect a mailbox, write a sequence of two emails, add two leads, start
// them. PHASE=start does all that; PHASE=ended looks at the page of the one who answered.
//
// Environment: BASE_URL, PHASE, ADDRESS, PASSWORD (of the mailbox), IMAP_PORT, SMTP_PORT, FIRST, SECOND (addresses).

import assert from "node:assert/strict";
import { inBrowser, baseUrl } from "./browser.mjs";

const { PHASE, ADDRESS, PASSWORD, IMAP_PORT, SMTP_PORT, FIRST, SECOND } = process.env;
const admin = { email: "admin@company.example", password: "correct horse battery" };

/** Presses a button that changes something, and waits until the server has answered. */
async function submit(page, button) {
  const answered = page.waitForResponse((response) => response.request().method() === "POST");
  await button.click();
  await answered;
  await page.waitForLoadState("networkidle");
}

async function setUp(page) {
  await page.goto(baseUrl);
  await page.getByLabel("Name of the workspace").fill("Halden Sensors");
  await page.getByLabel("Your name").fill("Rosa Rep");
  await page.getByLabel("Your email").fill(admin.email);
  await page.getByLabel("Password").fill(admin.password);
  await page.getByLabel("Time zone").selectOption("Europe/Paris");
  await page.getByRole("button", { name: "Create the workspace" }).click();
  await page.getByRole("link", { name: "Leads" }).first().waitFor();
}

async function connectMailbox(page) {
  await page.goto(`${baseUrl}/settings/mailboxes/new`);
  await page.getByRole("link", { name: /own server/ }).click();
  await page.locator('[name="imap.host"]').waitFor();
  await page.getByLabel("Email address").fill(ADDRESS);
  await page.locator('[name="imap.host"]').fill("localhost");
  await page.locator('[name="imap.port"]').fill(IMAP_PORT);
  await page.locator('[name="imap.security"]').selectOption("tls");
  await page.locator('[name="imap.password"]').fill(PASSWORD);
  await page.locator('[name="smtp.host"]').fill("localhost");
  await page.locator('[name="smtp.port"]').fill(SMTP_PORT);
  await page.locator('[name="smtp.security"]').selectOption("starttls");
  await page.getByText("Quota, signature and more").click();
  await page.getByLabel("Least seconds between two").fill("0");
  await page.getByRole("button", { name: "Check and connect" }).click();
  await page.waitForURL((url) => !url.pathname.endsWith("/new"));
}

async function writeStep(page, subject, body, wait) {
  await page.locator('[name="wait.amount"]').fill(String(wait));
  await page.locator('[name="wait.unit"]').selectOption("minutes");
  if (subject) await page.locator('[name="email.subject"]').fill(subject);
  await page.locator("[contenteditable=true][role=textbox]").fill(body);
  await submit(page, page.getByRole("button", { name: "Save step" }));
}

async function writeSequence(page) {
  await page.goto(`${baseUrl}/sequences/new`);
  await page.getByLabel("Name").fill("Two emails");
  await submit(page, page.getByRole("button", { name: "Create draft" }));
  await submit(page, page.getByRole("button", { name: "First email" }));
  await writeStep(page, "Hello {{ person.first_name }}", "Hi {{ person.first_name }}, may I ask something?", 0);
  await page.getByRole("button", { name: "Add step" }).click();
  await submit(page, page.getByRole("button", { name: "Automated email" }));
  await page.getByRole("heading", { name: "Step 2" }).waitFor();
  await page.getByText("Reply in the same thread").click();
  await writeStep(page, "", "Did you see my first note?", 1);
  await page.getByRole("link", { name: "Settings" }).last().click();
  await page.getByLabel(/at any time/i).check();
  await submit(page, page.getByRole("button", { name: /^Save/ }));
  await page.getByRole("link", { name: "Activate" }).click();
  await submit(page, page.locator("dialog[open]").getByRole("button", { name: "Activate" }));
  await page.getByText("Active", { exact: true }).first().waitFor();
}

async function addAndStart(page, first, last, email) {
  await page.goto(`${baseUrl}/people/new?kind=lead`);
  await page.getByLabel("First name").fill(first);
  await page.getByLabel("Last name").fill(last);
  await page.getByLabel("Email", { exact: true }).fill(email);
  await page.locator("form.fill .dialog-foot button.primary").click();
  await page.waitForURL(/\/people\/per_/);
  await page.getByRole("link", { name: /Start sequence/ }).first().click();
  await page.getByRole("button", { name: "Next" }).click();
  await submit(page, page.getByRole("button", { name: "Start sequence" }));
  await page.getByText(/Started|started/).first().waitFor();
}

async function start(page) {
  await setUp(page);
  await connectMailbox(page);
  await writeSequence(page);
  await addAndStart(page, "Ada", "Answers", FIRST);
  await addAndStart(page, "Bob", "Silent", SECOND);
}

async function ended(page) {
  await page.goto(baseUrl);
  await page.locator("input[type=email]").fill(admin.email);
  await page.locator("input[type=password]").fill(admin.password);
  await page.getByRole("button", { name: "Sign in" }).click();
  await page.getByRole("link", { name: "Leads" }).first().waitFor();
  await page.goto(`${baseUrl}/leads`);
  await page.getByRole("link", { name: "Ada Answers" }).click();
  await page.getByText("because Ada replied").first().waitFor();
  assert.match(await page.locator("main").innerText(), /Yes, please call me\./);
}

await inBrowser((page) => (PHASE === "start" ? start(page) : ended(page)));
