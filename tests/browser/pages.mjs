// Walks every kind of page a signed-in person can reach by links, in light, dark and on a phone:
// no axe violation, nothing wider than the screen, at 320 px and at 200 % zoom either. And every dialog that only a button
// opens (pressed.mjs). With SCREENSHOTS it keeps a picture of each.
//
// Environment: BASE_URL, EMAIL and PASSWORD (or SAID, a file with what `relance demo` printed).

import assert from "node:assert/strict";
import { mkdirSync, readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { inBrowser, baseUrl } from "./browser.mjs";
import { pressed } from "./pressed.mjs";

const axeSource = readFileSync(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");
const pictures = process.env.SCREENSHOTS;
const mostPages = 200;
/** Fields of a person whose forms stand for all: a line, a list, a choice, several lines. */
const shownFields = ["name", "tags", "owner", "address"];

const looks = [
  { name: "light", viewport: { width: 1280, height: 800 }, colorScheme: "light" },
  { name: "dark", viewport: { width: 1280, height: 800 }, colorScheme: "dark" },
  { name: "phone", viewport: { width: 390, height: 844 }, colorScheme: "light" },
  // The narrowest screen, and what a screen of 1280 shows at 200 % zoom: only the width is looked at.
  { name: "narrow", viewport: { width: 320, height: 640 }, colorScheme: "light", onlyWidth: true },
  { name: "zoomed", viewport: { width: 640, height: 400 }, colorScheme: "light", onlyWidth: true },
];

/** What the demo printed for people to sign in with. */
function credentials() {
  if (process.env.EMAIL) return { email: process.env.EMAIL, password: process.env.PASSWORD };
  const said = readFileSync(process.env.SAID, "utf8");
  const email = said.match(/[\w.+-]+@[\w-]+(?:\.[\w-]+)+/)?.[0];
  const password = said.match(/password:?\s+(\S+)/i)?.[1];
  assert.ok(email && password, `no sign-in in: ${said}`);
  return { email, password };
}

async function signIn(page) {
  const { email, password } = credentials();
  await page.goto(baseUrl);
  await page.locator("input[type=email]").fill(email);
  await page.locator("input[type=password]").fill(password);
  await page.locator("input[type=password]").press("Enter");
  await page.locator("input[type=password]").waitFor({ state: "detached" });
}

/** One name for all pages of a kind: ids and queries left out. */
function kindOf(path) {
  const parts = path.split("?")[0].split("/").filter(Boolean);
  const isField = (part, at) => at === 3 && parts[0] === "people" && parts[2] === "fields" && !shownFields.includes(part);
  const named = parts.map((part, at) => ((/\d/.test(part) && part.length > 12) || isField(part, at) ? "one" : part));
  return named.join("-") || "start";
}

async function linksOf(page) {
  const hrefs = await page.locator("a[href]:not([download])").evaluateAll((links) => links.map((link) => link.href));
  const own = hrefs.map((href) => new URL(href)).filter((url) => url.origin === new URL(baseUrl).origin);
  const paths = own.map((url) => url.pathname + url.search);
  return paths.filter((path) => !/^\/(api|assets|metrics|healthz|readyz)\b/.test(path));
}

/** Every kind of page and one path of that kind, found by following links. */
async function findPages(page) {
  const found = new Map();
  const queue = [new URL(page.url()).pathname];
  while (queue.length > 0 && found.size < mostPages) {
    const path = queue.shift();
    const kind = kindOf(path);
    if (found.has(kind)) continue;
    const answer = await page.goto(baseUrl + path).catch((error) => {
      if (!/Download is starting/.test(error.message)) throw error;
    });
    if (!(answer?.headers()["content-type"] ?? "").startsWith("text/html")) continue;
    assert.ok(answer.ok(), `${path} answered ${answer.status()}`);
    found.set(kind, path);
    queue.push(...(await linksOf(page)));
  }
  return found;
}

async function follow(page, links) {
  await page.goto(new URL(await links.first().getAttribute("href"), baseUrl).href);
}

/** A task about somebody, so that the player has one whatever the hour. */
async function addTask(page) {
  await page.goto(`${baseUrl}/leads`);
  await follow(page, page.locator("a[href*='/people/per_']"));
  await follow(page, page.getByRole("link", { name: "Add task" }));
  await page.getByLabel("What to do").fill("Ask about the cold store.");
  await page.getByLabel("Due, your time").fill("2020-01-02T09:00");
  await page.locator(".dialog-foot .primary").click();
  await page.waitForURL(/\/people\/per_/);
}

/** What is wrong with an open dialog: buttons that do not fit, and on a phone anything but the whole screen. */
async function faultsOfDialog(page) {
  return page.evaluate(() => {
    const dialog = document.querySelector("dialog[open].modal");
    if (!dialog) return [];
    const box = dialog.getBoundingClientRect();
    const buttons = [...dialog.querySelectorAll(".dialog-foot .button")].filter((button) => button.offsetParent);
    const cut = buttons.filter((button) => button.getBoundingClientRect().right > box.right + 1);
    const faults = cut.map((button) => `the button “${button.innerText}” does not fit into its dialog`);
    if (innerWidth < 720 && box.width < document.documentElement.clientWidth) faults.push(`the dialog is ${box.width} px wide`);
    return faults;
  });
}

async function violationsOf(page) {
  await page.evaluate(axeSource);
  const { violations } = await page.evaluate(() => globalThis.axe.run(document, { resultTypes: ["violations"] }));
  return violations.map(({ id, help, nodes }) => `${id}: ${help} (${nodes[0].target.join(" ")}, ${nodes.length} in all)`);
}

const wrong = [];
await inBrowser(async (page, { context }) => {
  await signIn(page);
  await addTask(page);
  await page.goto(baseUrl);
  const pages = await findPages(page);
  for (const look of looks) {
    await page.emulateMedia({ colorScheme: look.colorScheme, reducedMotion: "reduce" });
    await page.setViewportSize(look.viewport);
    const opened = [...pages].map(([kind, path]) => [kind, path, () => page.goto(baseUrl + path)]);
    const dialogs = look.onlyWidth ? [] : pressed.map(({ name, open }) => [name, name, () => open(page)]);
    for (const [kind, path, open] of [...opened, ...dialogs]) {
      await open();
      const violations = look.onlyWidth ? [] : await violationsOf(page);
      for (const violation of violations) wrong.push(`${path} (${look.name}): ${violation}`);
      for (const fault of await faultsOfDialog(page)) wrong.push(`${path} (${look.name}): ${fault}`);
      const excess = await page.evaluate(() => document.documentElement.scrollWidth - document.documentElement.clientWidth);
      if (excess > 0) wrong.push(`${path} (${look.name}): ${excess} px wider than the screen`);
      if (pictures && !look.onlyWidth) {
        mkdirSync(`${pictures}/${look.name}`, { recursive: true });
        await page.screenshot({ path: `${pictures}/${look.name}/${kind}.png`, fullPage: true });
      }
    }
  }
  assert.ok(pages.size < mostPages, "there are more kinds of pages than are looked at");
  console.log(`${pages.size} kinds of pages and ${pressed.length} dialogs in ${looks.length} looks: ${[...pages.values()].join(" ")}`);
  await context.clearCookies();
});
assert.deepEqual(wrong, [], wrong.join("\n"));
