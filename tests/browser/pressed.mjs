// What no link leads to: dialogs of a selection, the panes of enrolling many, an import on its way, the palette, the keys.
// Each entry has a name and a way to it from anywhere; `pages.mjs` looks at them as it looks at pages.

import { baseUrl } from "./browser.mjs";
import { api } from "./signed_in.mjs";

const dialog = (page) => page.locator("dialog[open]");

/** Selects the first two leads. */
async function select(page) {
  await page.goto(`${baseUrl}/leads`);
  const boxes = page.locator("tr[data-row] input[type=checkbox]");
  await boxes.nth(0).check();
  await boxes.nth(1).check();
  await page.locator(".selection-bar").waitFor();
}

/** A bulk action of the selection, pressed in the bar or under More. */
async function press(page, action) {
  await select(page);
  const bar = page.locator(".selection-bar");
  const button = bar.getByRole("button", { name: action, exact: true });
  if (!(await button.isVisible())) await bar.getByRole("button", { name: "More" }).click();
  await button.click();
  await dialog(page).locator("h1, h2").first().waitFor();
}

async function submit(page, name) {
  const answered = page.waitForResponse((response) => response.request().method() === "POST");
  await page.getByRole("button", { name, exact: true }).click();
  await answered;
  await page.waitForLoadState("networkidle");
}

async function choose(page) {
  await select(page);
  await page.locator(".selection-bar").getByRole("button", { name: /^Sequence/ }).click();
  await dialog(page).getByRole("button", { name: "Next" }).waitFor();
}

async function preview(page) {
  await choose(page);
  await submit(page, "Next");
  await page.getByRole("button", { name: "Check", exact: true }).waitFor();
  // A frame that is taken away while it loads leaves the page busy for ever.
  await page.frameLocator(".mail-frame").locator("body").waitFor();
}

async function check(page) {
  await preview(page);
  await submit(page, "Check");
  await page.getByRole("heading", { name: "When it ends" }).waitFor();
}

/** Uploads a small file and stands before its columns. */
async function columnsOfImport(page) {
  await page.goto(`${baseUrl}/import`);
  const buffer = Buffer.from("First name,Last name,Email,Shoe size\nAda,Import,ada@import.example,37\n,,nobody,\n");
  await page.locator("input[type=file]").setInputFiles({ name: "leads.csv", mimeType: "text/csv", buffer });
  await page.locator("form .primary[type=submit], form button.primary").last().click();
  await page.waitForURL(/\/import\/upl_/);
}

/** Checks the file without importing it, and waits for the report. */
async function jobOfImport(page) {
  await columnsOfImport(page);
  await page.getByRole("button", { name: "Check first" }).click();
  await page.waitForURL(/\/jobs\/job_/);
  await page.getByRole("heading", { name: "Left out, each with its reason" }).waitFor();
}

/** An enrollment that runs: there is always one in the demo. */
async function running(page) {
  await page.goto(`${baseUrl}/leads`);
  const row = page.locator("tr[data-row]").filter({ hasText: "active" }).first();
  await page.goto(new URL(await row.locator("a[href*='/people/per_']").first().getAttribute("href"), baseUrl).href);
  const enrollment = page.locator("#widget .widget-rows .head a").first();
  await page.goto(new URL(await enrollment.getAttribute("href"), baseUrl).href);
}

/** Where the first step of someone was sent, whoever of the demo that is. */
async function sentStep(page) {
  await page.goto(`${baseUrl}/leads`);
  const { items } = await api(page, "GET", "/enrollments?state=active&limit=100");
  for (const { id } of items) {
    const [first] = (await api(page, "GET", `/enrollments/${id}`)).steps;
    if (first.status !== "sent") continue;
    await page.goto(`${baseUrl}/enrollments/${id}?step=${first.id}`);
    await page.getByRole("link", { name: "Exactly as sent" }).waitFor();
    return;
  }
  throw new Error("nobody of the demo was sent a first step");
}

async function delivery(page) {
  await sentStep(page);
  await page.getByRole("link", { name: "Exactly as sent" }).click();
  await dialog(page).locator("h1, h2").first().waitFor();
}

/** Somebody opened from a filtered list: their place in it, the next and the one before. */
async function personOfList(page) {
  await page.goto(`${baseUrl}/leads?rule=status:is:Working&sort=-name`);
  await page.locator("tr[data-row] a[href*='/people/per_'], li[data-row] a[href*='/people/per_']").nth(1).waitFor();
  const links = page.locator("tr[data-row] td:nth-child(2) a[href*='/people/per_']");
  await page.goto(new URL(await links.nth(1).getAttribute("href"), baseUrl).href);
  await page.getByRole("navigation", { name: "Through the list" }).getByText(/^2 of \d/).waitFor();
}

async function logCall(page) {
  await personOfList(page);
  await page.getByRole("link", { name: "Log call" }).click();
  await dialog(page).getByText("How it ended").waitFor();
}

/** The preview of one person: each step with the real text. */
async function previewOne(page) {
  await page.goto(`${baseUrl}/leads`);
  const { items } = await api(page, "GET", "/people?kind=lead&limit=100");
  const free = items.find((person) => person.email && person.ongoing_sequences.length === 0);
  await page.goto(`${baseUrl}/people/${free.id}`);
  await page.getByRole("link", { name: /^Start sequence/ }).click();
  await dialog(page).getByRole("button", { name: "Next" }).click();
  await dialog(page).getByRole("button", { name: "Start sequence" }).waitFor();
}

/** A list that is asked something, with chips, and the form of one of them. */
async function filtered(page) {
  await page.goto(`${baseUrl}/leads?q=a&rule=status:is_not:New&rule=email:is_set:`);
  await page.locator(".filter").nth(1).waitFor();
}

async function changeFilter(page) {
  await filtered(page);
  await page.locator(".filter-words").first().click();
  await dialog(page).locator("select").first().waitFor();
}

async function nobody(page) {
  await page.goto(`${baseUrl}/leads?q=zzzz`);
  await page.getByRole("heading", { name: "Nobody matches these filters" }).waitFor();
}

async function pause(page) {
  await running(page);
  await page.getByRole("link", { name: "Pause" }).click();
  await dialog(page).locator("input[type=datetime-local]").waitFor();
}

async function reschedule(page) {
  await running(page);
  await page.getByRole("link", { name: "Reschedule" }).click();
  await dialog(page).getByLabel("New date and time").waitFor();
}

async function palette(page) {
  await page.goto(baseUrl);
  await page.keyboard.press("Control+k");
  await dialog(page).locator("input").fill("a");
  await dialog(page).getByText("Start a sequence for").first().waitFor();
}

async function keys(page) {
  await page.goto(baseUrl);
  await page.locator("h1").click();
  await page.keyboard.press("?");
  await dialog(page).locator("h1, h2").first().waitFor();
}

async function index(page) {
  await page.goto(`${baseUrl}/leads`);
  await page.getByRole("button", { name: "Index" }).click();
  await page.locator("li[data-row]").first().waitFor();
  await page.waitForLoadState("networkidle");
}

async function table(page) {
  await page.goto(`${baseUrl}/leads`);
  await page.getByRole("button", { name: "Table" }).click();
  await page.locator("tr[data-row]").first().waitFor();
  await select(page);
}

const actions = ["Convert", "Tag", "Assign owner", "Pause", "Stop", "Resume", "Retry blocked", "Export", "Delete"];

export const pressed = [
  { name: "leads-index", open: index },
  // The table again for all that follow.
  { name: "leads-selected", open: table },
  ...actions.map((action) => ({
    name: `leads-selected-${action.toLowerCase().replaceAll(" ", "-")}`,
    open: (page) => press(page, action),
  })),
  { name: "leads-filtered", open: filtered },
  { name: "leads-filter-changed", open: changeFilter },
  { name: "leads-nobody", open: nobody },
  { name: "person-of-list", open: personOfList },
  { name: "person-log-call", open: logCall },
  { name: "enroll-preview", open: previewOne },
  { name: "enroll-many-choose", open: choose },
  { name: "enroll-many-preview", open: preview },
  { name: "enroll-many-check", open: check },
  { name: "enrollment-running", open: running },
  { name: "enrollment-sent-step", open: sentStep },
  { name: "delivery", open: delivery },
  { name: "enrollment-pause", open: pause },
  { name: "enrollment-reschedule", open: reschedule },
  { name: "import-columns", open: columnsOfImport },
  { name: "import-checked", open: jobOfImport },
  { name: "palette-open", open: palette },
  { name: "keys-open", open: keys },
];
