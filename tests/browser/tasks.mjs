// Tasks as a rep works through them: several at once with undo, rows by keys, the player by keys only, a draft that is
// edited and sent once, and a task that somebody else did meanwhile.
//
// Environment: BASE_URL, EMAIL, PASSWORD (of the demo's admin).

import assert from "node:assert/strict";
import { inBrowser, baseUrl } from "./browser.mjs";
import { api, sent, signIn, until } from "./signed_in.mjs";

const { EMAIL, PASSWORD } = process.env;
const mark = `T${Date.now()}`;

async function addTask(page, content, kind = "call") {
  await page.goto(`${baseUrl}/tasks`);
  await page.keyboard.press("n");
  const dialog = page.locator("dialog[open]");
  await dialog.getByLabel("What to do").fill(content);
  await dialog.getByLabel("Kind").selectOption(kind);
  await dialog.getByLabel("Due, your time").fill("2020-01-02T09:00");
  await sent(page, () => dialog.getByRole("button", { name: "Create task" }).click());
  await page.getByText("The task is due").waitFor();
}

const row = (page, content) => page.locator(".task-rows > li", { hasText: content });

async function severalAtOnce(page) {
  for (const number of [1, 2, 3]) await addTask(page, `${mark} call ${number}`, number === 3 ? "other" : "call");
  await page.goto(`${baseUrl}/tasks?part=overdue&q=${mark}&kind=call`);
  await row(page, `${mark} call 2`).waitFor();
  assert.equal(await row(page, `${mark} call 3`).count(), 0, "another kind is left out");
  await page.keyboard.press("j");
  await page.keyboard.press("x");
  await page.keyboard.press("j");
  await page.keyboard.press("x");
  await page.getByText("2 selected").waitFor();
  await sent(page, () => page.getByRole("button", { name: "Tomorrow", exact: true }).locator("visible=true").click());
  await page.getByText("2 tasks put off.").waitFor();
  assert.equal(await row(page, mark).count(), 0, "they are no longer overdue");
  await sent(page, () => page.getByRole("button", { name: "Undo" }).click());
  await page.getByText("Undone for 2 tasks.").waitFor();
  await row(page, `${mark} call 1`).waitFor();

  await page.keyboard.press("j");
  await sent(page, () => page.keyboard.press("d"));
  await page.getByText("Done.").waitFor();
  assert.equal(await row(page, mark).count(), 1);
  await sent(page, () => page.getByRole("button", { name: "Undo" }).click());
  await page.getByText("The task is open again.").waitFor();
  await page.goto(`${baseUrl}/tasks?q=${mark}`);
  assert.equal(await row(page, mark).count(), 3);
}

/** Somebody is in a sequence whose only step is an email that their rep sends. */
async function enrollWithDraft(page) {
  const { items: mailboxes } = await api(page, "GET", "/mailboxes");
  const email = { subject: `${mark} for {{ person.last_name }}`, body_html: "<p>Dear {{ person.last_name }}</p>" };
  const task = { kind: "email", content: `${mark} read the draft`, due_in_days: 0, mode: "wait" };
  const steps = [{ action: "manual_email", email, task }];
  const sequence = await api(page, "POST", "/sequences", { name: mark, schedule: null, steps });
  await api(page, "POST", `/sequences/${sequence.id}/activate`);
  const fields = { last_name: "Draftwood", email: `${mark.toLowerCase()}@quick.example`, phone: "+44 20 7946 0958" };
  const person = await api(page, "POST", "/people", fields);
  const enrolling = { sequence_id: sequence.id, person_id: person.id, mailbox_id: mailboxes[0].id };
  const enrollment = await api(page, "POST", "/enrollments", enrolling);
  const { items } = await until(page, `/tasks?person_id=${person.id}`, (found) => found.items.length > 0);
  return { enrollment: enrollment.id, task: items[0].id };
}

async function draftIsEditedAndSentOnce(page, context) {
  const { enrollment, task } = await enrollWithDraft(page);
  await page.goto(`${baseUrl}/tasks/player?task=${task}`);
  await page.getByText("Dear Draftwood").waitFor();
  await page.getByText("The sequence waits until this is done or skipped.").waitFor();
  assert.equal(await page.getByRole("link", { name: /^Call / }).getAttribute("href"), "tel:+442079460958");
  await page.locator("#widget").getByText(mark, { exact: true }).waitFor();
  await page.keyboard.press("e");
  await page.waitForURL(/\/edit\?to=/);
  const subject = page.getByLabel("Subject");
  assert.equal(await subject.inputValue(), `${mark} for Draftwood`, "the values stand in the draft");
  await subject.fill(`${mark} in my own words`);
  await sent(page, () => page.getByRole("button", { name: "Save", exact: true }).click());
  await page.waitForURL(/\/tasks\/player\?task=/);
  await page.getByText(`${mark} in my own words`).first().waitFor();

  const other = await context.newPage();
  await other.goto(`${baseUrl}/tasks/player?task=${task}`);
  await other.getByText(`${mark} in my own words`).first().waitFor();
  await sent(page, () => page.keyboard.press("x"));
  await page.locator(".toast").getByText(/Sent on its way|It waits/).waitFor();
  await sent(other, () => other.keyboard.press("x"));
  await other.locator(".toast").getByText("already closed").waitFor();
  await other.close();
  const done = await until(page, `/enrollments/${enrollment}`, (found) => found.state === "completed");
  const emails = done.steps.filter((step) => step.status === "sent");
  assert.equal(emails.length, 1);
  await page.goto(`${baseUrl}/tasks/player?task=${task}`);
  await page.getByText("is done already.").waitFor();
}

/** One task after the other with keys alone, until none is left. */
async function throughThePlayer(page) {
  await page.goto(`${baseUrl}/tasks/player`);
  const over = page.getByText("All done for today");
  const place = page.locator(".crumbs span", { hasText: / of / });
  const keys = ["x", "s", "z", "w"];
  for (let turn = 0; turn < 60; turn += 1) {
    await place.or(over).waitFor();
    if (await over.isVisible()) break;
    const before = page.url();
    const isDraft = await page.getByRole("button", { name: "Send this email" }).isVisible();
    await page.keyboard.press(isDraft ? "s" : keys[turn % keys.length]);
    await page.waitForURL((url) => url.href !== before);
  }
  await over.waitFor();
}

await inBrowser(async (page, { context }) => {
  await signIn(page, baseUrl, EMAIL, PASSWORD);
  await severalAtOnce(page);
  await draftIsEditedAndSentOnce(page, context);
  await throughThePlayer(page);
});
