// Sequences as an admin uses them, by mouse and by keyboard: write one, lint, drag and Alt+arrow, undo, two tabs, a test to
// oneself, publish for everyone with the impact preview and back, a template that changes under it, sending times, settings,
// clone, pause, archive and stop all. Every page and dialog on the way is looked at by axe.
//
// Environment: BASE_URL, EMAIL and PASSWORD of the demo.

import assert from "node:assert/strict";
import { mkdirSync, readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { inBrowser, baseUrl } from "./browser.mjs";
import { api, sent } from "./signed_in.mjs";

const axeSource = readFileSync(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");
const { EMAIL, PASSWORD, PICTURES } = process.env;

async function axe(page, where) {
  await page.evaluate(axeSource);
  const { violations } = await page.evaluate(() => globalThis.axe.run(document, { resultTypes: ["violations"] }));
  assert.deepEqual(violations.map(({ id, nodes }) => `${where}: ${id} ${nodes[0].target}`), []);
}

async function picture(page, name) {
  if (!PICTURES) return;
  mkdirSync(PICTURES, { recursive: true });
  await page.screenshot({ path: `${PICTURES}/${name}.png`, fullPage: true });
}

async function signIn(page) {
  await page.goto(baseUrl);
  await page.locator("input[type=email]").fill(EMAIL);
  await page.locator("input[type=password]").fill(PASSWORD);
  await page.locator("input[type=password]").press("Enter");
  await page.locator("input[type=password]").waitFor({ state: "detached" });
}

const dialog = (page) => page.locator("dialog[open]");
const cards = (page) => page.locator(".timeline.editing .step b");
const titles = async (page) => (await cards(page).allInnerTexts()).map((title) => title.replace(/^\d+\. /, ""));
const toast = (page, words) => page.locator(".toast", { hasText: words }).waitFor();

async function until(page, wanted) {
  for (let turn = 0; turn < 100; turn += 1) {
    if (JSON.stringify(await titles(page)) === JSON.stringify(wanted)) return;
    await page.evaluate(() => new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done))));
  }
  assert.deepEqual(await titles(page), wanted);
}

async function addStep(page, label) {
  await page.getByRole("button", { name: "Add step" }).click();
  await page.locator("#add-step").getByRole("button", { name: label }).click();
}

async function write(page) {
  await page.goto(`${baseUrl}/sequences`);
  await axe(page, "list");
  await picture(page, "1-list");
  await page.getByRole("link", { name: "New sequence" }).click();
  await dialog(page).getByLabel("Name").fill("Spring doors");
  await dialog(page).getByLabel("Folder").fill("Prospecting");
  await axe(page, "new");
  await dialog(page).getByRole("button", { name: "Create draft" }).click();
  await page.getByRole("heading", { name: "Spring doors" }).waitFor();
  await page.getByRole("button", { name: "First email" }).click();
  await page.getByRole("heading", { name: "Step 1" }).waitFor();
  await page.getByLabel("Subject").fill("SPRING DOORS");
  await page.getByText("all capitals").waitFor();
  await page.getByLabel("Subject").fill("Doors at {{ person.organization_name | default('your depot') }}");
  await page.getByText("all capitals").waitFor({ state: "detached" });
  await page.selectOption("[name='email.format']", "text");
  await page.locator("[name='email.body']").fill("Hi {{ person.first_name | default('there') }},\n\nworth a call?");
  await page.getByText("one question").waitFor();
  await axe(page, "editor");
  await addStep(page, "Task");
  await page.getByRole("heading", { name: "Step 2" }).waitFor();
  await page.getByLabel("What to do").fill("Call them");
  await addStep(page, "Automated email");
  await page.getByRole("heading", { name: "Step 3" }).waitFor();
  await page.selectOption("[name='email.format']", "text");
  await page.locator("[name='email.body']").fill("One more thought.");
  await page.getByRole("button", { name: "Save step" }).click();
  await toast(page, "Saved in the draft");
  await until(page, ["First email", "Task: call", "Email in the same thread"]);
  await page.locator(".timeline.editing .step").first().click();
  await page.getByRole("heading", { name: "Step 1" }).waitFor();
  assert.match(await page.getByLabel("Subject").inputValue(), /^Doors at/, "adding steps saved what was typed");
  await picture(page, "2-editor");
}

async function reorder(page) {
  const grip = page.locator(".step-row").nth(1).locator(".grip");
  await page.locator(".step-row").nth(1).hover();
  await grip.dragTo(page.locator(".step-row").nth(0), { targetPosition: { x: 40, y: 6 } });
  await until(page, ["Task: call", "First email", "Email in the same thread"]);
  await page.getByRole("button", { name: "Undo" }).click();
  await until(page, ["First email", "Task: call", "Email in the same thread"]);
  await page.locator(".timeline.editing .step").nth(1).focus();
  await page.keyboard.press("Alt+ArrowDown");
  await until(page, ["First email", "Email in the same thread", "Task: call"]);
  await page.waitForFunction(() => document.activeElement?.id.startsWith("card-"));
  await page.keyboard.press("Alt+ArrowUp");
  await until(page, ["First email", "Task: call", "Email in the same thread"]);
  await page.getByRole("button", { name: "Insert a step before step 2" }).focus();
  await page.keyboard.press("Enter");
  await page.locator("[id^=insert-]:popover-open").getByRole("button", { name: "Email sent by hand" }).click();
  await page.getByRole("heading", { name: "Step 2" }).waitFor();
  await page.getByRole("button", { name: "Duplicate this step" }).click();
  await page.getByRole("heading", { name: "Step 3" }).waitFor();
  for (const left of [4, 3]) {
    await page.getByRole("button", { name: "Delete this step" }).click();
    await page.waitForFunction((left) => document.querySelectorAll(".timeline.editing .step").length === left, left);
    if (left === 4) await page.locator(".timeline.editing .step").nth(1).click();
    if (left === 4) await page.getByRole("heading", { name: "Step 2" }).waitFor();
  }
  await page.getByRole("button", { name: "Undo" }).click();
  await page.waitForFunction(() => document.querySelectorAll(".timeline.editing .step").length === 4);
  await page.locator(".timeline.editing .step").nth(1).click();
  await page.getByRole("heading", { name: "Step 2" }).waitFor();
  await page.getByRole("button", { name: "Delete this step" }).click();
  await until(page, ["First email", "Task: call", "Email in the same thread"]);
  await page.locator(".wait-row button.wait").last().click();
  await page.locator(".wait-form:popover-open input").fill("2");
  await page.locator(".wait-form:popover-open select").selectOption("days");
  await axe(page, "wait");
  await page.locator(".wait-form:popover-open").getByRole("button", { name: "Set the wait" }).click();
  await page.locator(".wait", { hasText: "2 days, e.g. " }).waitFor();
}

async function twoTabs(page, context) {
  await page.locator(".timeline.editing .step").first().click();
  await page.getByRole("heading", { name: "Step 1" }).waitFor();
  const other = await context.newPage();
  await other.goto(page.url());
  await other.getByLabel("Subject").fill("From the other tab");
  await other.getByRole("button", { name: "Save step" }).click();
  await other.locator(".toast", { hasText: "Saved" }).waitFor();
  await other.close();
  await page.getByLabel("Subject").fill("From this tab");
  const refused = page.waitForResponse((answer) => answer.status() === 422);
  await page.getByRole("button", { name: "Save step" }).click();
  await refused;
  await page.getByText("changed this meanwhile").waitFor();
  assert.equal(await page.getByLabel("Subject").inputValue(), "From this tab", "nothing typed is lost");
  await picture(page, "3-two-tabs");
  await page.getByRole("button", { name: "Save step" }).click();
  await toast(page, "Saved in the draft");
  await page.getByRole("button", { name: "Send me a test" }).click();
  await toast(page, "A test went to");
}

async function publish(page) {
  await page.getByRole("link", { name: "Activate" }).click();
  await dialog(page).getByText("Nobody is on it yet").waitFor();
  await axe(page, "activate");
  await dialog(page).getByRole("button", { name: "Activate" }).click();
  await toast(page, "Version 1 is live");

  await page.goto(`${baseUrl}/sequences`);
  await page.getByRole("link", { name: "Winter depots", exact: true }).click();
  await page.getByRole("heading", { name: "Winter depots" }).waitFor();
  await page.locator(".timeline.editing .step").nth(2).click();
  await page.getByRole("heading", { name: "Step 3" }).waitFor();
  await page.getByRole("button", { name: "Delete this step" }).click();
  await page.getByText("not published").waitFor();
  await page.getByRole("link", { name: "Review and publish" }).click();
  await dialog(page).getByText("If those enrolled follow it too").waitFor();
  await dialog(page).getByText("Gone").first().waitFor();
  await axe(page, "impact");
  await picture(page, "4-impact");
  await dialog(page).locator("a.number-card").first().click();
  await dialog(page).getByRole("heading", { name: "Go on with another step" }).waitFor();
  await dialog(page).getByText("Also those enrolled").click();
  await dialog(page).getByRole("button", { name: "Publish version 2" }).click();
  await page.getByText(/also for \d+ people|The new version is live/).first().waitFor();
  await picture(page, "5-published");
  await page.locator("#toasts").getByRole("button", { name: "Undo" }).click();
  await page.getByText(/Undone for/).first().waitFor();
}

/** Times apart for first emails and follow-ups, each with an example; a time that is none is refused and stays. */
async function sendingTimes(page) {
  await page.goto(`${baseUrl}/sequences?q=spring`);
  await page.getByRole("link", { name: "Spring doors", exact: true }).click();
  await page.locator("nav.tabs").getByRole("link", { name: "Settings" }).click();
  await page.getByText(/^An email that is due now leaves/).waitFor();
  await page.getByLabel("Window 1 opens").fill("9 o'clock");
  await page.getByLabel("Window 1 closes").fill("11:00");
  await page.getByLabel("Window 1 is for").selectOption("first");
  await page.getByLabel("Window 2 opens").fill("13:00");
  await page.getByLabel("Window 2 closes").fill("17:30");
  await page.getByLabel("Window 2 is for").selectOption("follow_up");
  await sent(page, () => page.getByRole("button", { name: "Save settings" }).click());
  await page.getByText("Enter both times of window 1 as 09:00").waitFor();
  assert.equal(await page.getByLabel("Window 1 opens").inputValue(), "9 o'clock");
  assert.equal(await page.getByLabel("Window 2 is for").inputValue(), "follow_up");
  await page.getByLabel("Window 1 opens").fill("09:00");
  await page.getByRole("button", { name: "Save settings" }).click();
  await toast(page, "Saved in the draft");
  await page.locator("nav.tabs").getByRole("link", { name: "Settings" }).click();
  await page.getByText(/A first email that is due now leaves .*in your time zone/).waitFor();
  await page.getByText(/A follow-up that is due now leaves/).waitFor();
  assert.equal(await page.getByLabel("Window 1 is for").inputValue(), "first");
  await axe(page, "sending times");
  await page.getByRole("link", { name: "Review and publish" }).click();
  await dialog(page).getByText(/Emails leave Mon to Fri, 09:00 to 11:00 for first emails/).first().waitFor();
  await dialog(page).getByRole("button", { name: /Publish/ }).click();
  await toast(page, "Version 2 is live");
}

/** A template changes: the sequence that took its words says so, and shows what publishing it again would do. */
async function templateChanged(page) {
  const words = { name: "Dock intro", subject: "Docks", body_html: "<p>Before</p>", shared: true };
  const template = await api(page, "POST", "/templates", words);
  const steps = [{ action: "automated_email", email: { template_id: template.id } }];
  const sequence = await api(page, "POST", "/sequences", { name: "From a template", steps });
  await api(page, "POST", `/sequences/${sequence.id}/activate`);
  await page.goto(`${baseUrl}/sequences/${sequence.id}`);
  await page.getByRole("heading", { name: "From a template" }).waitFor();
  assert.equal(await page.getByText("Template changed.").count(), 0);
  await api(page, "PATCH", `/templates/${template.id}`, { body_html: "<p>After</p>" });
  await page.goto(`${baseUrl}/sequences/${sequence.id}`);
  await page.getByText("Dock intro says something else now than in the live version.").waitFor();
  await axe(page, "template changed");
  await picture(page, "5-template-changed");
  await page.getByRole("link", { name: "See what it would do" }).click();
  await dialog(page).getByRole("button", { name: /Publish/ }).click();
  await toast(page, "Version 2 is live");
  assert.equal(await page.getByText("Template changed.").count(), 0);
}

/** Archives a sequence with people on it and stops them all. */
async function stopAll(page) {
  await page.goto(`${baseUrl}/sequences`);
  await page.getByRole("link", { name: "Winter depots", exact: true }).click();
  await page.getByRole("heading", { name: "Winter depots" }).waitFor();
  await page.getByRole("button", { name: "More" }).click();
  await page.locator("#more-sequence").getByRole("link", { name: "Archive" }).click();
  await dialog(page).getByText("Let them finish").waitFor();
  await dialog(page).getByText("Stop all of them").click();
  await axe(page, "stop all");
  await dialog(page).getByRole("button", { name: "Archive" }).click();
  await toast(page, "Archived");
  await page.getByText("Nobody can be enrolled any more.").waitFor();
  await page.locator("nav.tabs").getByRole("link", { name: "People" }).click();
  await page.getByText(/Ended because the sequence was archived/).first().waitFor();
}

async function settings(page) {
  await page.goto(`${baseUrl}/sequences?q=spring`);
  await page.getByRole("link", { name: "Spring doors", exact: true }).click();
  await page.locator("nav.tabs").getByRole("link", { name: "Settings" }).click();
  await page.getByText("Some teams and users").click();
  await page.getByText("Teams and users", { exact: true }).click();
  await axe(page, "settings");
  await picture(page, "6-settings");
  await page.getByRole("button", { name: "Save settings" }).click();
  await toast(page, "Saved in the draft");
  await page.getByRole("button", { name: "Pause" }).click();
  await toast(page, "Paused for everyone");
  await page.getByRole("button", { name: "Resume" }).click();
  await page.locator(".chip", { hasText: "Active" }).first().waitFor();
  await page.getByRole("button", { name: "More" }).click();
  await page.getByRole("button", { name: "Clone" }).click();
  await page.getByRole("heading", { name: "Copy of Spring doors" }).waitFor();
  await page.getByRole("button", { name: "More" }).click();
  page.once("dialog", (question) => question.accept());
  await page.locator("#more-sequence").getByRole("button", { name: "Delete" }).click();
  await page.getByRole("heading", { name: "Sequences" }).waitFor();
  await page.getByRole("link", { name: "Spring doors", exact: true }).click();
  await page.getByRole("button", { name: "More" }).click();
  await page.locator("#more-sequence").getByRole("link", { name: "Archive" }).click();
  await axe(page, "archive");
  await dialog(page).getByRole("button", { name: "Archive" }).click();
  await toast(page, "Archived");
}

async function phone(page) {
  await page.setViewportSize({ width: 390, height: 844 });
  await page.goto(`${baseUrl}/sequences`);
  await page.getByRole("link", { name: "Winter depots", exact: true }).click();
  await page.getByRole("heading", { name: "Winter depots" }).waitFor();
  for (const width of [390, 320]) {
    await page.setViewportSize({ width, height: 844 });
    const wide = await page.evaluate(() => document.documentElement.scrollWidth - innerWidth);
    assert.ok(wide <= 0, `${wide} px too wide at ${width}`);
  }
  await picture(page, "7-phone");
  await page.setViewportSize({ width: 1280, height: 800 });
  await page.emulateMedia({ colorScheme: "dark" });
  await picture(page, "8-dark");
  await axe(page, "dark");
}

await inBrowser(async (page, { context, errors }) => {
  await signIn(page);
  await write(page);
  await reorder(page);
  await twoTabs(page, context);
  await publish(page);
  await sendingTimes(page);
  await templateChanged(page);
  await settings(page);
  await phone(page);
  await stopAll(page);
  // A refused form answers 422, which Chromium notes in its console.
  errors.splice(0, errors.length, ...errors.filter((error) => !error.includes("422")));
});
