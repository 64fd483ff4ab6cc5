// Foreign text is text: more than 200 payloads in every place that shows what others wrote (fields, tags, notes, CSV
// cells, headers and file names, texts of templates and sequences, received mail) run nothing and load nothing.
//
// Environment: BASE_URL, EMAIL, PASSWORD (of the demo's admin), INBOX (the sandbox's inbox folder).

import assert from "node:assert/strict";
import { readdirSync, renameSync, writeFileSync } from "node:fs";
import { inBrowser, baseUrl } from "./browser.mjs";
import { isForeign, payloads } from "./payloads.mjs";

const { EMAIL, PASSWORD, INBOX } = process.env;
const base64 = (text) => Buffer.from(text).toString("base64");

async function signIn(page) {
  await page.goto(baseUrl);
  await page.locator("input[type=email]").fill(EMAIL);
  await page.locator("input[type=password]").fill(PASSWORD);
  await page.locator("input[type=password]").press("Enter");
  await page.locator("input[type=password]").waitFor({ state: "detached" });
}

async function tokenOf(page) {
  await page.goto(`${baseUrl}/settings/api`);
  await page.locator("input[name=name]").fill("Hostile texts");
  await page.locator("input[name=scope][value=admin]").check();
  await page.getByRole("button", { name: "Create token" }).click();
  return page.locator("input.token-secret").inputValue();
}

/** Calls of the API that must succeed, or may be refused for what they are. */
function caller(page, token) {
  return async (method, path, data, mayBeRefused = false) => {
    const headers = { authorization: `Bearer ${token}` };
    const answer = await page.request.fetch(`${baseUrl}/api/v1/${path}`, { method, headers, data });
    const refused = mayBeRefused && [400, 409, 422].includes(answer.status());
    assert.ok(answer.ok() || refused, `${method} ${path}: ${answer.status()} ${await answer.text()}`);
    return answer.ok() && answer.status() !== 204 ? answer.json() : null;
  };
}

/** People who carry a payload in every field that takes any text; refused fields are left out. */
async function makePeople(api) {
  const ids = [];
  for (const [number, payload] of payloads.entries()) {
    const person = await api("POST", "people", {
      kind: number % 2 ? "lead" : "contact",
      first_name: payload,
      last_name: payload,
      title: payload,
      organization_name: payload,
      phone: payload,
      mobile: payload,
      industry: payload,
      source: payload,
      status: number % 2 ? payload : "",
      description: payload,
      linkedin: payload,
      x: payload,
      facebook: payload,
      address: { line: payload, city: payload, postal_code: payload, state: payload, country: payload },
      tags: [payload.replaceAll(",", ";")],
      custom_fields: { told: payload },
    });
    ids.push(person.id);
    await api("PATCH", `people/${person.id}`, { website: payload }, true);
    await api("POST", `people/${person.id}/notes`, { text: payload });
    await api("POST", "tasks", { person_id: person.id, kind: "call", content: payload, due_at: "2026-01-01T09:00:00Z" });
  }
  return ids;
}

/** A file whose name is a payload, or none if the name leaves nothing. */
async function makeFile(page, token, name) {
  const headers = { authorization: `Bearer ${token}`, "content-type": "text/html" };
  const url = `${baseUrl}/api/v1/attachments?name=${encodeURIComponent(name)}`;
  const answer = await page.request.post(url, { headers, data: Buffer.from(`<script>globalThis.__ran=1</script>${name}`) });
  assert.ok(answer.ok(), `a file called ${name}: ${answer.status()}`);
  return answer.json();
}

async function makeTexts(api, file) {
  const made = ["/templates/tags", "/templates/new"];
  for (const payload of payloads.filter((_, number) => number % 10 === 0)) {
    const body = { subject: payload, body_html: `<p>${payload}</p>`, attachments: [await file(payload)] };
    const template = await api("POST", "templates", { name: payload, folder: payload.slice(0, 90), shared: true, ...body }, true);
    if (template) made.push(`/templates/${template.id}`);
    const wait = { amount: 0, unit: "minutes" };
    const steps = [
      { wait, action: "task", task: { kind: "call", content: payload, due_in_days: 1, mode: "go_on" } },
      { wait, action: "automated_email", email: body },
    ];
    const sequence =
      (await api("POST", "sequences", { name: payload, description: payload, steps }, true)) ??
      (await api("POST", "sequences", { name: payload, description: payload, steps: steps.slice(0, 1) }));
    made.push(`/sequences/${sequence.id}`, `/sequences/${sequence.id}/settings`);
  }
  return made;
}

/** Where emails are written: in tasks about hostile people, with a hostile signature, previewed as one of them. */
async function makeEmails(api, people) {
  const made = ["/templates/preview/people?q=script", `/templates/preview/people?q=${encodeURIComponent(payloads[0])}`];
  for (const person_id of people.filter((_, number) => number % 20 === 0)) {
    const task = await api("POST", "tasks", { person_id, kind: "email", content: payloads[people.indexOf(person_id)] });
    made.push(`/tasks/${task.id}`, `/tasks/${task.id}/email`);
  }
  const { items } = await api("GET", "mailboxes");
  await api("PATCH", `mailboxes/${items[0].id}`, { signature_html: payloads.map((payload) => `<p>${payload}</p>`).join("") });
  return [...made, `/settings/mailboxes/${items[0].id}`];
}

/** Answers whose every part is hostile; half of them from a stranger of the same company, so that the tray has some. */
function receive(answered) {
  let number = Math.max(0, ...["new", "cur"].flatMap((folder) => readdirSync(`${INBOX}/${folder}`)).map(Number));
  payloads.forEach((payload, index) => {
    const word = `=?utf-8?B?${base64(payload)}?=`;
    const [, domain] = answered.address.split("@");
    const from = index % 2 ? answered.address : `stranger${index}@${domain}`;
    const boundary = `b${index}`;
    const part = (type, text) => `--${boundary}\r\nContent-Type: ${type}\r\nContent-Transfer-Encoding: base64\r\n`
      + `${text.name ? `Content-Disposition: attachment; filename*=utf-8''${encodeURIComponent(text.name)}\r\n` : ""}`
      + `\r\n${base64(text.body)}\r\n`;
    const raw = [
      `From: ${word} <${from}>`, `To: ${EMAIL}`, `Subject: ${word}`, `Message-ID: <hostile-${index}@${domain}>`,
      `In-Reply-To: <${answered.messageId}>`, `Date: ${new Date().toUTCString()}`, "MIME-Version: 1.0",
      `X-Mailer: ${payload.replaceAll(/[^\x20-\x7e]/g, "")}`,
      `Content-Type: multipart/mixed; boundary=${boundary}`, "",
      part("text/html; charset=utf-8", { body: `<p>${payload}</p>` })
        + part("application/octet-stream", { name: payload, body: "x" }) + `--${boundary}--`, "",
    ].join("\r\n");
    number += 1;
    const name = String(number).padStart(20, "0");
    writeFileSync(`${INBOX}/tmp/${name}`, raw);
    renameSync(`${INBOX}/tmp/${name}`, `${INBOX}/new/${name}`);
  });
  writeFileSync(`${INBOX}/position`, `${String(number).padStart(20, "0")}\n`);
}

/** Someone who was written to and has not answered, so that mail from a stranger of their company waits for a person. */
async function writtenTo(api) {
  const { items } = await api("GET", "enrollments?state=active&limit=100");
  for (const { id, person_id } of items) {
    const { steps } = await api("GET", `enrollments/${id}`);
    const sent = steps.find((step) => step.delivery && step.status === "sent");
    if (!sent) continue;
    const person = await api("GET", `people/${person_id}`);
    if (person.email) return { id: person.id, address: person.email, messageId: sent.delivery.message_id };
  }
  throw new Error("nobody was written to");
}

async function importFile(page) {
  await page.goto(`${baseUrl}/import`);
  const cell = (text) => `"${text.replaceAll('"', '""')}"`;
  const head = ["Last name", payloads[0], payloads[17]].map(cell).join(",");
  const rows = payloads.map((payload) => [payload, payload, payload].map(cell).join(","));
  const buffer = Buffer.from([head, ...rows].join("\r\n"));
  await page.locator("input[type=file]").setInputFiles({ name: `${payloads[17].replaceAll("/", "_")}.csv`, mimeType: "text/csv", buffer });
  await page.getByRole("button", { name: "Upload" }).click();
  await page.waitForLoadState("networkidle");
  assert.match(page.url(), /\/import\/./, "the columns are asked for");
}

await inBrowser(async (page, { context, errors }) => {
  const loaded = [];
  await context.addInitScript(() => Object.defineProperty(globalThis, "__ran", { set: () => console.error("a payload ran") }));
  context.on("request", (request) => {
    if (isForeign(request.url(), baseUrl)) loaded.push(`${request.url()} on ${page.url()}`);
  });
  page.on("dialog", (dialog) => {
    errors.push(`a payload asked: ${dialog.message()} on ${page.url()}`);
    return dialog.dismiss();
  });
  assert.ok(payloads.length >= 200, `${payloads.length} payloads`);
  await signIn(page);
  const token = await tokenOf(page);
  const api = caller(page, token);
  await api("POST", "custom_fields", { label: `Told ${payloads[0].slice(0, 60)}`, key: "told", kind: "text" });
  const answered = await writtenTo(api);
  receive(answered);
  const people = await makePeople(api);
  const texts = await makeTexts(api, (name) => makeFile(page, token, name));
  const emails = await makeEmails(api, people);
  await importFile(page);

  const read = async () => (await api("GET", "inbound?limit=500")).items.filter(({ message_id: id }) => /hostile-/.test(id));
  const deadline = Date.now() + 60_000;
  while ((await read()).length < payloads.length) assert.ok(Date.now() < deadline, `${(await read()).length} answers were read`);

  const lists = ["/leads", "/contacts", "/tasks", "/tasks/player", "/sequences", "/templates", "/review", "/", "/palette?q=script"];
  const tray = (await read()).filter((one) => one.tray === "open").map((one) => `/review/${one.id}`);
  assert.ok(tray.length > 0, "some wait in the tray");
  const paths = [...lists, ...people.map((id) => `/people/${id}`), `/people/${answered.id}`, ...texts, ...emails, ...tray];
  for (const path of [...paths, `/people/${people[3]}/edit`, `/people/${people[3]}/enroll`]) {
    const answer = await page.goto(baseUrl + path);
    assert.ok(answer.ok(), `${path} answered ${answer.status()}`);
    assert.equal(new URL(page.url()).origin, new URL(baseUrl).origin, `${path} led away`);
  }
  assert.deepEqual(loaded, [], "nothing foreign was loaded");
});
