// Emails as their writer sees them: previewed as anybody who can be seen, on a phone, as plain text; line breaks and formats
// that stay as they were written; the signature of a mailbox; an email that is written in a task.
//
// Environment: BASE_URL, EMAIL, PASSWORD (of the demo's admin).

import assert from "node:assert/strict";
import { inBrowser, baseUrl } from "./browser.mjs";
import { api, signIn, until } from "./signed_in.mjs";

const { EMAIL, PASSWORD } = process.env;
const mark = `W${Date.now()}`;

const editor = (page) => page.locator("[contenteditable=true][role=textbox]");
const source = (page) => page.locator("#f-email\\.body").inputValue();
const shown = (page) => page.locator("turbo-frame#preview");

async function previewAsAnybody(page) {
  await page.goto(`${baseUrl}/templates/new`);
  await page.locator('[name="email.subject"]').fill("For {{ person.first_name }}");
  await editor(page).click();
  await page.keyboard.type("Hello {{person.industry}}");
  const words = page.getByRole("combobox", { name: "Preview as" });
  const list = page.getByRole("listbox", { name: "People" });
  for (const looked of ["okafor", "maya.okafor@kestrel", "Kestrel Freight"]) {
    await words.fill(looked);
    await list.getByRole("option", { name: /Maya Okafor/ }).waitFor();
  }
  await words.press("ArrowDown");
  await words.press("ArrowUp");
  await words.press("Enter");
  await shown(page).getByText("For Maya").waitFor();
  assert.equal(await words.inputValue(), "Maya Okafor");
  await words.fill("nobody of this name");
  await list.getByText("Nobody you see").waitFor();
  await words.press("Escape");
  assert.equal(await words.inputValue(), "Maya Okafor", "Escape brings back who was chosen");

  await page.getByRole("radio", { name: "Plain text" }).check({ force: true });
  await shown(page).locator(".alternative").waitFor();
  assert.ok(!(await shown(page).locator(".formatted").isVisible()));
  await page.getByRole("radio", { name: "Desktop" }).check({ force: true });
  await shown(page).locator(".formatted").waitFor();
}

/** Enter in a field of a step saves the step and does nothing else. */
async function enterSaves(page) {
  await page.goto(`${baseUrl}/sequences`);
  await page.locator("tbody a").first().click();
  await editor(page).waitFor();
  const steps = await page.locator(".step-row").count();
  await page.locator('[name="email.subject"]').press("Enter");
  await page.getByText("Saved in the draft.").waitFor();
  assert.equal(await page.locator(".step-row").count(), steps, "no step came or moved");
}

async function formatsAndBreaksStay(page) {
  const body_html = "<p>Kind regards,<br>{{ sender.name }}</p>";
  const { id } = await api(page, "POST", "/templates", { name: `${mark} regards`, subject: "s", body_html, shared: true });
  await page.goto(`${baseUrl}/templates/${id}`);
  await editor(page).click();
  await page.keyboard.press("ControlOrMeta+End");
  await page.keyboard.press("Enter");
  await page.keyboard.press("ControlOrMeta+b");
  await page.keyboard.type("bold");
  await page.keyboard.press("ControlOrMeta+b");
  await page.keyboard.press("Enter");
  await page.keyboard.type("plain");
  assert.equal(await source(page), `${body_html}\n<p><b>bold</b></p>\n<p>plain</p>`);
  await page.getByRole("button", { name: "Save", exact: true }).last().click();
  await page.getByText("Saved.").first().waitFor();
}

async function signature(page) {
  const { items } = await api(page, "GET", "/mailboxes");
  await page.goto(`${baseUrl}/settings/mailboxes/${items[0].id}`);
  await editor(page).click();
  await page.keyboard.press("ControlOrMeta+a");
  await page.keyboard.type(`${mark} `);
  await page.keyboard.press("ControlOrMeta+b");
  await page.keyboard.type("Halden");
  await page.locator("turbo-frame#signature").getByText("Halden").waitFor();
  await page.getByRole("button", { name: "Save", exact: true }).click();
  await page.getByText("Saved.").first().waitFor();
  const { signature_html } = await api(page, "GET", `/mailboxes/${items[0].id}`);
  assert.equal(signature_html, `<p>${mark} <b>Halden</b></p>`);
}

async function newEmailTask(page, email) {
  const person = await api(page, "POST", "/people", { first_name: "Ines", last_name: mark, email });
  const task = await api(page, "POST", "/tasks", { kind: "email", content: `${mark} answer her`, person_id: person.id });
  return { person: person.id, task: task.id };
}

/** The history once the email has left. The mailbox keeps a gap between two, and others leave in the hours of sending. */
async function untilSent(page, person) {
  await page.getByRole("button", { name: "1 hour/s" }).click();
  const sent = (found) => found.items.some((one) => one.kind === "email_sent");
  const found = await until(page, `/people/${person}/activities`, sent);
  await page.getByRole("button", { name: "Real time" }).click();
  return found;
}

async function fromATask(page) {
  const { person, task } = await newEmailTask(page, `${mark.toLowerCase()}@quick.example`);
  await page.goto(`${baseUrl}/tasks/player?task=${task}`);
  await page.getByRole("heading", { name: `${mark} answer her` }).waitFor();
  await page.keyboard.press("m");
  await page.getByRole("heading", { name: `Email to Ines ${mark}` }).waitFor();
  await editor(page).getByRole("img", { name: "Your signature" }).or(editor(page).locator("img")).first().waitFor();
  await editor(page).click();
  await page.keyboard.press("ControlOrMeta+Home");
  await page.keyboard.type("Dear {{person.last_na");
  await page.keyboard.press("Enter");
  await page.keyboard.type(" of {{person.indu");
  await page.keyboard.press("Enter");
  await shown(page).locator(".formatted mark.missing", { hasText: "industry" }).waitFor();
  await page.getByRole("button", { name: "Send", exact: true }).click();
  await page.locator("#n-email\\.subject").getByText("Write a subject.").waitFor();
  assert.match(await source(page), /Dear \{\{ person\.last_name \}\}/, "nothing typed is lost");
  await page.locator('[name="email.subject"]').fill(`${mark} by hand`);
  await page.locator('[name="email.subject"]').press("Enter");
  assert.match(page.url(), /\/email\?/, "Enter in the subject sends nothing");
  await page.getByRole("button", { name: "Send", exact: true }).click();
  await page.getByText("There is no value for industry").first().waitFor();
  await editor(page).click();
  await page.keyboard.press("ControlOrMeta+Home");
  await page.keyboard.press("End");
  await page.keyboard.press("Backspace");
  await page.keyboard.type("Lisbon");
  await page.getByRole("button", { name: "Send", exact: true }).click();
  await page.locator(".toast").getByText(/Sent on its way|It waits/).waitFor();

  const { items } = await untilSent(page, person);
  assert.equal(items.filter((one) => one.kind === "email_sent").length, 1);
  await page.goto(`${baseUrl}/people/${person}`);
  const event = page.locator(".feed li", { hasText: "Email sent" });
  await event.getByText("from a task").waitFor();
  await event.getByText(`${mark} by hand`).first().waitFor();
  await page.locator("#widget").getByText("Emails from tasks").waitFor({ state: "detached" });
  await page.goto(`${baseUrl}/sequences`);
  assert.equal(await page.getByText("Emails from tasks").count(), 0);
}

/** From the head of a person, with a key; an answer comes back to their history. */
async function toAPerson(page) {
  const email = `head-${mark.toLowerCase()}@quick.example`;
  const person = await api(page, "POST", "/people", { first_name: "Nuno", last_name: mark, email });
  await page.goto(`${baseUrl}/people/${person.id}`);
  await page.getByRole("link", { name: "Email" }).first().waitFor();
  await page.keyboard.press("w");
  await page.getByRole("heading", { name: `Email to Nuno ${mark}` }).waitFor();
  await page.locator('[name="email.subject"]').fill(`${mark} at once`);
  await editor(page).click();
  await page.keyboard.press("ControlOrMeta+Home");
  await page.keyboard.type("One question.");
  await page.getByRole("button", { name: "Send", exact: true }).click();
  await page.waitForURL(`${baseUrl}/people/${person.id}`);
  await page.locator(".toast").getByText(/Sent on its way|It waits/).waitFor();
  await untilSent(page, person.id);
  const { items } = await api(page, "GET", "/mailboxes");
  await page.goto(`${baseUrl}/settings/mailboxes/${items[0].id}/sandbox`);
  const got = page.locator("article", { hasText: `${mark} at once` });
  await got.getByRole("button", { name: "Reply", exact: true }).click();
  await until(page, `/people/${person.id}/activities`, (found) => found.items.some((one) => one.kind === "reply_received"));
  await page.goto(`${baseUrl}/people/${person.id}`);
  await page.locator(".feed").getByText("replied").first().waitFor();
}

async function withoutScripts(browser, page, cookies) {
  const { task } = await newEmailTask(page, `plain-${mark.toLowerCase()}@quick.example`);
  const context = await browser.newContext({ javaScriptEnabled: false });
  await context.addCookies(cookies);
  const plain = await context.newPage();
  await plain.goto(`${baseUrl}/templates/new`);
  await plain.locator('[name="email.subject"]').fill("For {{ person.first_name }}");
  await plain.getByLabel("Preview as").fill("an");
  await plain.getByRole("button", { name: "Find" }).click();
  await plain.getByRole("list", { name: "Found" }).getByRole("button").nth(1).click();
  assert.equal(await plain.locator('[name="email.subject"]').inputValue(), "For {{ person.first_name }}");
  await shown(plain).getByText(/^For \S/).waitFor();

  await plain.goto(`${baseUrl}/tasks/${task}`);
  await plain.getByRole("link", { name: "Write the email" }).click();
  await plain.locator('[name="email.subject"]').fill(`${mark} plainly`);
  await plain.locator('[name="email.body"]').fill("Dear {{ person.last_name }},\n\nbye");
  await plain.locator('[name="email.files"]').setInputFiles({ name: "Offer.txt", mimeType: "text/plain", buffer: Buffer.from("offer") });
  await plain.getByRole("button", { name: "Send", exact: true }).click();
  await plain.getByText(/Sent on its way|It waits/).first().waitFor();
  const { state } = await api(page, "GET", `/tasks/${task}`);
  assert.equal(state, "done");
  await context.close();
}

await inBrowser(async (page, { browser, context, errors }) => {
  page.on("dialog", (dialog) => dialog.accept().catch(() => {}));
  await signIn(page, baseUrl, EMAIL, PASSWORD);
  await previewAsAnybody(page);
  await enterSaves(page);
  await formatsAndBreaksStay(page);
  await signature(page);
  await fromATask(page);
  await toAPerson(page);
  await withoutScripts(browser, page, await context.cookies());
  // A refused form is an answer of 422, which the console calls an error.
  for (let at = errors.length - 1; at >= 0; at -= 1) if (errors[at].includes("status of 422")) errors.splice(at, 1);
});
