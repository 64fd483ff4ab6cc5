// Lists as a rep uses them, by mouse and by keyboard: search, filter, columns, save a list, shift-click, tag with undo,
// index, export. Every dialog on the way is looked at by axe.
//
// Environment: BASE_URL, EMAIL and PASSWORD of the demo.

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { inBrowser, baseUrl } from "./browser.mjs";

const axeSource = readFileSync(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");
const { EMAIL, PASSWORD } = process.env;

async function axe(page, where) {
  await page.evaluate(axeSource);
  const { violations } = await page.evaluate(() => globalThis.axe.run(document, { resultTypes: ["violations"] }));
  assert.deepEqual(violations.map(({ id, nodes }) => `${where}: ${id} ${nodes[0].target}`), []);
}

async function signIn(page) {
  await page.goto(baseUrl);
  await page.locator("input[type=email]").fill(EMAIL);
  await page.locator("input[type=password]").fill(PASSWORD);
  await page.locator("input[type=password]").press("Enter");
  await page.locator("input[type=password]").waitFor({ state: "detached" });
}

const rows = (page) => page.locator("tr[data-row]");
const dialog = (page) => page.locator("dialog[open]");
const focused = (page) => page.evaluate(() => document.activeElement?.getAttribute("aria-label") ?? document.activeElement?.id ?? "");

async function search(page) {
  await page.goto(`${baseUrl}/leads`);
  const all = await rows(page).count();
  assert.ok(all > 5, `${all} leads in the demo`);
  const name = (await page.locator("tr[data-row] td:nth-child(2) a").first().innerText()).split(" ").at(-1);
  await page.keyboard.press("/");
  await page.keyboard.type(name.toLowerCase());
  await page.waitForURL(/q=/);
  await page.waitForFunction((all) => document.querySelectorAll("tr[data-row]").length < all, all);
  assert.equal(await page.locator("input[type=search]").inputValue(), name.toLowerCase());
  assert.equal(await focused(page), "Name, organisation, email", "typing goes on");
  await page.locator("input[type=search]").fill("");
  await page.waitForFunction((all) => document.querySelectorAll("tr[data-row]").length === all, all);
}

async function filter(page) {
  await page.keyboard.press("Tab");
  await page.getByRole("link", { name: "Add filter" }).click();
  await dialog(page).getByLabel("Field").selectOption("email");
  await dialog(page).locator("option[value=is_set]").waitFor({ state: "attached" });
  await axe(page, "filter");
  await dialog(page).getByLabel("Is compared").selectOption("is_set");
  await dialog(page).locator("[name=value]").waitFor({ state: "detached" });
  await dialog(page).getByRole("button", { name: "Add filter" }).click();
  await page.getByText("has a value").waitFor();
  await dialog(page).waitFor({ state: "detached" });
  await page.getByRole("link", { name: /Change the filter Email/ }).click();
  await dialog(page).getByRole("button", { name: "Change filter" }).waitFor();
  await page.keyboard.press("Escape");
  await dialog(page).waitFor({ state: "detached" });
  assert.match(await focused(page), /^Change the filter/, "the focus is where it was");
}

async function columns(page) {
  await page.getByRole("link", { name: "Columns" }).click();
  await dialog(page).getByLabel("Another column").selectOption("email");
  await dialog(page).getByRole("button", { name: "Add", exact: true }).click();
  await dialog(page).getByRole("button", { name: "Move Email up" }).waitFor();
  await axe(page, "columns");
  await dialog(page).getByRole("button", { name: "Move Email up" }).focus();
  await page.keyboard.press("Enter");
  await page.waitForFunction(() => document.querySelector("dialog .column-list li:last-child")?.innerText.trim() !== "Email");
  assert.equal(await focused(page), "Move Email up", "a second press moves it on");
  await dialog(page).getByRole("button", { name: "Show these" }).click();
  await page.getByRole("columnheader", { name: "Email", exact: true }).waitFor();
}

async function saveList(page) {
  await page.getByRole("link", { name: "Save as smart list" }).click();
  await axe(page, "save");
  await dialog(page).getByLabel("Name").fill("With an address");
  await page.keyboard.press("Enter");
  await page.waitForURL(/\/lists\/lst_/);
  await page.getByRole("heading", { name: "With an address" }).waitFor();
  await page.locator(".bar-smart").getByText("With an address").waitFor();
  await page.getByRole("columnheader", { name: "Name" }).getByRole("link").click();
  await page.getByText("Changed", { exact: true }).waitFor();
  await page.getByRole("button", { name: "Save", exact: true }).click();
  await page.getByText("Saved the changes").waitFor();
  await axe(page, "list");
}

async function tagAndUndo(page) {
  const boxes = page.locator("tr[data-row] input[type=checkbox]");
  await boxes.nth(0).click();
  await boxes.nth(3).click({ modifiers: ["Shift"] });
  await page.getByText("4 selected").waitFor();
  await page.locator(".selection-bar").getByRole("button", { name: "Tag" }).click();
  await dialog(page).getByLabel("Add").fill("fair 2026");
  await axe(page, "tag");
  await dialog(page).getByRole("button", { name: "Tag 4 leads" }).dblclick();
  await page.getByText("Tagged 4 people.").waitFor();
  await page.locator(".toast").getByRole("button", { name: "Undo" }).click();
  await page.getByText("Undone for 4 people.").waitFor();
  await page.goto(`${baseUrl}/leads?tag=fair%202026`);
  await page.getByText("Nobody matches these filters").waitFor();
}

async function keys(page) {
  await page.goto(`${baseUrl}/leads`);
  await page.locator("h1").click();
  for (const key of ["j", "x", "j", "j", "Shift+X"]) await page.keyboard.press(key);
  await page.getByText("3 selected").waitFor();
  await page.getByRole("button", { name: "Clear" }).click();
  await page.getByText("3 selected").waitFor({ state: "hidden" });
  await page.locator("h1").click();
  await page.keyboard.press("n");
  await dialog(page).getByRole("heading", { name: "New lead" }).waitFor();
  await page.keyboard.press("Escape");
  await dialog(page).waitFor({ state: "detached" });
}

/** Everything in the open dialog that can be used is reached with Tab, and Tab does not leave it. */
async function reachable(page, where) {
  const wanted = await dialog(page).evaluate((root) => {
    const usable = "a[href], button:not([disabled]), input:not([type=hidden], [disabled]), select, textarea, [tabindex='0']";
    const shown = [...root.querySelectorAll(usable)].filter((one) => one.offsetParent !== null);
    const first = (one) => one.type !== "radio" || one.checked;
    return shown.filter(first).map((one, at) => (one.dataset.reach = String(at)));
  });
  const met = new Set();
  for (let press = 0; press < wanted.length * 3 + 5 && met.size < wanted.length; press++) {
    await page.keyboard.press("Tab");
    met.add(await page.evaluate(() => document.activeElement?.dataset.reach));
    met.delete(undefined);
  }
  assert.deepEqual([...met].sort(), wanted.sort(), `${where}: what Tab reaches`);
}

/** The dialogs of bulk actions: by axe, by keyboard alone, and no wider than the narrowest screen. */
async function dialogs(page) {
  for (const action of ["Convert", "Assign owner", "Pause", "Delete"]) {
    await page.setViewportSize({ width: 1280, height: 800 });
    await page.goto(`${baseUrl}/leads`);
    await page.locator("tr[data-row] input[type=checkbox]").nth(0).click();
    const bar = page.locator(".selection-bar");
    if (action === "Delete") await bar.getByRole("button", { name: "More" }).click();
    await bar.getByRole("button", { name: action, exact: true }).click();
    await dialog(page).locator("h1, h2").first().waitFor();
    await axe(page, action);
    await reachable(page, action);
    for (const width of [640, 320]) {
      await page.setViewportSize({ width, height: 640 });
      const wide = await page.evaluate(() => document.documentElement.scrollWidth - innerWidth);
      assert.ok(wide <= 0, `${action} is ${wide} px too wide at ${width}`);
    }
  }
  await page.setViewportSize({ width: 1280, height: 800 });
  await page.goto(`${baseUrl}/leads`);
}

/** The head of a wide table stays in sight while its rows scroll. */
async function stickyHead(page) {
  await page.setViewportSize({ width: 1280, height: 700 });
  await page.goto(`${baseUrl}/leads`);
  const wrap = page.locator(".people-wrap");
  await wrap.evaluate((one) => one.scrollTo(0, one.scrollHeight));
  const [head, top] = await wrap.evaluate((one) => [one.querySelector("th").getBoundingClientRect().top, one.getBoundingClientRect().top]);
  assert.ok(await wrap.evaluate((one) => one.scrollTop > 0), "the rows scroll");
  assert.ok(Math.abs(head - top) <= 2, `the head is at ${head}, the table at ${top}`);
}

async function index(page) {
  await page.getByRole("button", { name: "Index" }).click();
  await page.locator("#record h1").waitFor();
  const first = await page.locator("#record h1").innerText();
  await axe(page, "index");
  await page.locator(".list-head h1").click();
  await page.keyboard.press("j");
  await page.waitForFunction((first) => document.querySelector("#record h1")?.innerText !== first, first);
  const second = await page.locator("#record h1").innerText();
  await page.keyboard.press("Enter");
  await page.waitForURL(/\/people\/per_/);
  assert.equal(await page.locator("h1").first().innerText(), second);
  await page.goBack();
  await page.getByRole("button", { name: "Table" }).click();
  await page.locator("table").waitFor();
}

async function exportFile(page) {
  await page.getByRole("link", { name: "Export" }).click();
  await axe(page, "export");
  const download = page.waitForEvent("download");
  await dialog(page).getByRole("button", { name: "Download CSV" }).click();
  const text = readFileSync(await (await download).path(), "utf8");
  assert.match(text, /^Id,Name,/);
  assert.ok(text.split("\n").length > 5, text);
}

async function narrow(page) {
  for (const width of [320, 640]) {
    await page.setViewportSize({ width, height: 700 });
    for (const path of ["/leads", "/lists", "/people/columns?kind=lead", "/people/filter?kind=lead", "/settings/teams", "/settings/teams/new"]) {
      await page.goto(baseUrl + path);
      const wide = await page.evaluate(() => document.documentElement.scrollWidth - innerWidth);
      assert.ok(wide <= 0, `${path} is ${wide} px too wide at ${width}`);
    }
  }
}

await inBrowser(async (page) => {
  await signIn(page);
  for (const part of [search, filter, columns, saveList, tagAndUndo, keys, stickyHead, dialogs, index, exportFile, narrow]) {
    try {
      await part(page);
    } catch (error) {
      error.message = `${part.name}: ${error.message}`;
      throw error;
    }
  }
});
