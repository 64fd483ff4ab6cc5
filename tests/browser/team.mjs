// The settings of a team as an admin works with them: an invitation, a deactivation with hand-over, tags, a token that
// ends, the browsers one is signed in with, the audit log; and what a rep does not see of it.
//
// Environment: BASE_URL, EMAIL, PASSWORD (of the demo's admin).

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { inBrowser, baseUrl } from "./browser.mjs";
import { api, sent, signIn } from "./signed_in.mjs";

const { EMAIL, PASSWORD } = process.env;
const ida = { name: "Ida Berg", email: "ida@halden.example", password: "a door of her own" };

/** Adds a user, who chooses a password by the link and connects a sandbox. */
async function invite(page, browser) {
  await page.goto(`${baseUrl}/settings/users`);
  await page.getByRole("link", { name: "Add a user" }).click();
  const dialog = page.locator("dialog[open]");
  await dialog.getByLabel("Name").fill(ida.name);
  await dialog.getByLabel("Email").fill(ida.email);
  await sent(page, () => dialog.getByRole("button", { name: "Add user" }).click());
  const link = await page.locator("input[readonly]").first().inputValue();
  assert.match(link, /\/password\//);
  const hers = await browser.newContext({ viewport: { width: 1280, height: 800 } });
  const own = await hers.newPage();
  await own.goto(link);
  await own.locator("input[name=password]").fill(ida.password);
  await sent(own, () => own.locator("input[name=password]").press("Enter"));
  await own.goto(`${baseUrl}/settings/profile`);
  await own.getByText("Your role is Rep.").waitFor();
  const sandbox = { address: ida.email, from_name: ida.name, provider: "sandbox" };
  await api(own, "POST", "/mailboxes", sandbox);
  return own;
}

/** Emeka has a lead, a sequence and a task when he leaves. */
async function workOfEmeka(page) {
  const { items: users } = await api(page, "GET", "/users");
  const emeka = users.find((user) => user.email === "emeka@halden.example");
  const steps = [{ action: "task", task: { kind: "call", content: "Call about the docks" } }];
  const sequence = await api(page, "POST", "/sequences", { name: "Docks", schedule: null, steps });
  await api(page, "POST", `/sequences/${sequence.id}/activate`);
  const fields = { last_name: "Handover", email: "handover@quick.example", owner_id: emeka.id, tags: ["leaving soon"] };
  const person = await api(page, "POST", "/people", fields);
  await api(page, "POST", "/enrollments", { sequence_id: sequence.id, person_id: person.id, actor_id: emeka.id });
  return person.id;
}

async function handOver(page, person) {
  await page.goto(`${baseUrl}/settings/users`);
  await page.getByRole("button", { name: "Change Emeka Obi" }).click();
  await page.getByRole("link", { name: "Deactivate" }).locator("visible=true").click();
  const dialog = page.locator("dialog[open]");
  await dialog.getByText("unfinished sequence").waitFor();
  await dialog.getByLabel("Hand over to").selectOption({ label: ida.name });
  await sent(page, () => dialog.getByRole("button", { name: "Deactivate" }).click());
  await page.getByText(`Emeka Obi is deactivated.`).waitFor();
  await page.getByText(`on with ${ida.name}`).waitFor();
  await page.goto(`${baseUrl}/people/${person}`);
  await page.getByText("Handed over from Emeka Obi").first().waitFor();
  await page.locator("#fact-owner_id, [id^=fact-owner]").first().getByText(ida.name).waitFor();
  await page.goto(`${baseUrl}/settings/users`);
  await page.getByRole("button", { name: "Change Emeka Obi" }).click();
  await sent(page, () => page.getByRole("button", { name: "Reactivate" }).locator("visible=true").click());
  await page.getByText("Emeka Obi is active again").waitFor();
}

async function tags(page) {
  await page.goto(`${baseUrl}/settings/tags`);
  await page.getByRole("link", { name: "leaving soon", exact: true }).click();
  const dialog = page.locator("dialog[open]");
  await dialog.getByLabel("Name", { exact: true }).fill("handed over");
  await sent(page, () => dialog.getByRole("button", { name: "Rename" }).click());
  await page.getByText("leaving soon is handed over now.").waitFor();
  await page.getByRole("link", { name: "handed over", exact: true }).waitFor();
  await sent(page, () => page.getByRole("button", { name: "Undo" }).click());
  await page.getByRole("link", { name: "leaving soon", exact: true }).waitFor();
}

async function token(page) {
  await page.goto(`${baseUrl}/settings/api`);
  await page.getByLabel("What uses it").fill("Nightly import");
  await page.getByLabel("It ends").selectOption("30");
  await sent(page, () => page.getByRole("button", { name: "Create token" }).click());
  const secret = await page.getByLabel("Token", { exact: true }).inputValue();
  assert.match(secret, /^rel_/);
  await page.goto(`${baseUrl}/settings/api`);
  assert.equal(await page.getByText(secret).count(), 0, "it is shown once");
  await page.getByRole("cell", { name: "Nightly import", exact: true }).waitFor();
}

async function browsers(page, browser) {
  const context = await browser.newContext();
  const other = await context.newPage();
  await signIn(other, baseUrl, EMAIL, PASSWORD);
  await page.goto(`${baseUrl}/settings/profile`);
  await page.getByText("this one", { exact: true }).waitFor();
  const ends = page.getByRole("button", { name: /^Sign out .+ on / });
  assert.ok((await ends.count()) >= 1);
  await sent(page, () => ends.first().click());
  await page.getByText("That browser is signed out.").waitFor();
  await other.goto(`${baseUrl}/leads`);
  await other.locator("input[type=password]").waitFor();
  await context.close();
}

async function auditLog(page) {
  await page.goto(`${baseUrl}/settings/audit`);
  for (const words of ["deactivated the user", "handed over the work of", "renamed the tag", "made the API token"]) {
    await page.locator("tbody").getByText(words).first().waitFor();
  }
  await page.getByLabel("What", { exact: true }).selectOption("user_handed_over");
  await page.getByRole("button", { name: "Show" }).click();
  await page.waitForFunction(() => document.querySelectorAll("tbody tr").length === 1);
  await page.locator("td.desk").getByText("To Ida Berg. Enrollments: 1. Tasks: 1. Templates: 0. People: 1.").waitFor();
  assert.equal(await page.locator("tbody tr").count(), 1);
  const download = page.waitForEvent("download");
  await page.getByRole("link", { name: "Export" }).click();
  const file = readFileSync(await (await download).path(), "utf8");
  assert.match(file, /user_handed_over,handed over the work of,Emeka Obi/);
}

/** A rep reads what concerns them, and is told no elsewhere. */
async function asRep(own, errors) {
  await own.goto(`${baseUrl}/settings`);
  assert.equal(await own.getByRole("link", { name: "Audit log" }).count(), 0);
  await own.goto(`${baseUrl}/settings/audit`);
  await own.getByText("Only an admin can read the audit log").waitFor();
  await own.goto(`${baseUrl}/tasks`);
  await own.getByRole("link", { name: "Call about the docks" }).waitFor();
  assert.equal(await own.getByRole("navigation", { name: "Whose" }).count(), 0);
  errors.length = 0;
}

await inBrowser(async (page, { browser, errors }) => {
  await signIn(page, baseUrl, EMAIL, PASSWORD);
  const own = await invite(page, browser);
  const person = await workOfEmeka(page);
  await handOver(page, person);
  await tags(page);
  await token(page);
  await browsers(page, browser);
  await auditLog(page);
  await asRep(own, errors);
});
