// Writing a template as a person does: with the row of formats, by keyboard alone, with merge tags, files, hostile text
// on the clipboard, and without JavaScript. What the editor makes is held against what mail programs show alike.
//
// Environment: BASE_URL, EMAIL, PASSWORD (of the demo's admin).

import assert from "node:assert/strict";
import { inBrowser, baseUrl } from "./browser.mjs";
import { isForeign, payloads } from "./payloads.mjs";

const { EMAIL, PASSWORD } = process.env;

async function signIn(page) {
  await page.goto(baseUrl);
  await page.locator("input[type=email]").fill(EMAIL);
  await page.locator("input[type=password]").fill(PASSWORD);
  await page.locator("input[type=password]").press("Enter");
  await page.locator("input[type=password]").waitFor({ state: "detached" });
}

const editor = (page) => page.locator("[contenteditable=true][role=textbox]");
const source = (page) => page.locator("#f-email\\.body").inputValue();
const tool = (page, name) => page.getByRole("toolbar").getByRole("button", { name, exact: true });

async function fresh(page, name) {
  await page.goto(`${baseUrl}/templates/new`);
  await page.getByLabel("Name", { exact: true }).fill(name);
  await page.locator('[name="email.subject"]').fill(`About ${name}`);
  await editor(page).waitFor();
}

async function save(page) {
  await page.getByRole("button", { name: "Save", exact: true }).click();
  await page.getByText(/The template is there|^Saved/).waitFor();
}

async function clear(page) {
  await editor(page).click();
  await page.keyboard.press("ControlOrMeta+a");
  await page.keyboard.press("Backspace");
}

/** With the row of formats and the mouse. */
async function write(page) {
  await fresh(page, "With the mouse");
  await editor(page).click();
  await page.keyboard.type("Hello there");
  await page.keyboard.press("Enter");
  await page.keyboard.type("plain ");
  await tool(page, "Bold").click();
  await page.keyboard.type("bold");
  assert.equal(await tool(page, "Bold").getAttribute("aria-pressed"), "true");
  await page.keyboard.press("Enter");
  await tool(page, "Bold").click();
  await tool(page, "Bulleted list").click();
  await page.keyboard.type("one");
  await page.keyboard.press("Enter");
  await page.keyboard.type("two");
  await page.keyboard.press("Enter");
  await page.keyboard.press("Enter");
  await page.keyboard.type("see ");
  await tool(page, "Link").click();
  const link = page.getByRole("dialog", { name: "Link" });
  await link.getByLabel("Address").fill("javascript:alert(1)");
  await link.getByRole("button", { name: "Done" }).click();
  await link.getByText("Enter a web address").waitFor();
  await link.getByLabel("Address").fill("example.com/offer?a=1&b=2");
  await link.getByLabel("Words").fill("our offer");
  await link.getByRole("button", { name: "Done" }).click();
  await link.waitFor({ state: "detached" });
  await page.keyboard.press("Enter");
  await tool(page, "Picture").click();
  const picture = page.getByRole("dialog", { name: "Picture" });
  await picture.getByLabel("Address of the picture").fill("https://example.com/logo.png");
  await picture.getByLabel("What it shows").fill("Our logo");
  await picture.getByRole("button", { name: "Done" }).click();
  await picture.waitFor({ state: "detached" });
  assert.equal(await source(page), [
    "<p>Hello there</p>",
    "<p>plain <b>bold</b></p>",
    "<ul><li>one</li><li>two</li></ul>",
    '<p>see <a href="https://example.com/offer?a=1&amp;b=2">our offer</a></p>',
    '<p><img src="https://example.com/logo.png" alt="Our logo"></p>',
  ].join("\n"));
  await page.locator("turbo-frame#preview").getByText("Picture: Our logo").waitFor();
  await save(page);
}

/** Never leaving the keyboard. */
async function writeByKeyboard(page) {
  await fresh(page, "By keyboard");
  await page.locator('[name="email.subject"]').focus();
  for (let step = 0; step < 20 && !(await tool(page, "Bold").evaluate((button) => button === document.activeElement)); step += 1) await page.keyboard.press("Tab");
  await page.keyboard.press("ArrowRight");
  assert.ok(await tool(page, "Italic").evaluate((button) => button === document.activeElement), "arrows move in the row");
  await page.keyboard.press("Escape");
  assert.ok(await editor(page).evaluate((box) => box === document.activeElement), "Escape leads into the text");
  await page.keyboard.type("Dear {{first");
  const list = page.getByRole("listbox", { name: "Merge tags" });
  await list.waitFor();
  assert.equal(await editor(page).getAttribute("aria-activedescendant"), "tag-option-0");
  await page.keyboard.press("Enter");
  await page.keyboard.type(",");
  assert.equal(await source(page), "<p>Dear {{ person.first_name }},</p>");
  await page.keyboard.press("ArrowLeft");
  await page.keyboard.press("Alt+Enter");
  const tag = page.getByRole("dialog", { name: "Merge tag" });
  await tag.getByLabel("Without a value, write").waitFor();
  await page.keyboard.type("friend");
  await page.keyboard.press("Enter");
  await tag.waitFor({ state: "detached" });
  assert.equal(await source(page), "<p>Dear {{ person.first_name | default('friend') }},</p>");
  assert.equal(await page.locator("img.tag-chip").getAttribute("alt"), "First name or “friend”");
  await page.keyboard.press("ControlOrMeta+End");
  await page.keyboard.press("ArrowLeft");
  await page.keyboard.press("Backspace");
  assert.equal(await source(page), "<p>Dear ,</p>", "Backspace takes the tag as one");
  await page.keyboard.press("ControlOrMeta+z");
  await page.keyboard.press("ControlOrMeta+End");
  await page.keyboard.press("Enter");
  await page.keyboard.press("ControlOrMeta+i");
  await page.keyboard.type("softly");
  await page.keyboard.press("Enter");
  await page.keyboard.press("ControlOrMeta+i");
  await page.keyboard.press("ControlOrMeta+Shift+9");
  await page.keyboard.type("quoted {% if person.title %}x{% endif %}");
  assert.match(await source(page), /<i>softly<\/i>[\s\S]*<blockquote><p>quoted \{% if person\.title %\}x\{% endif %\}<\/p><\/blockquote>/);
  assert.deepEqual(await page.locator("img.tag-chip.condition").evaluateAll((chips) => chips.map((chip) => chip.alt)), ["If Job title", "End of if"]);
  await save(page);
  await page.reload();
  await editor(page).waitFor();
  assert.equal(await page.locator("img.tag-chip").count(), 3, "tags are chips again");
}

/** From the menu, with its search and its examples. */
async function chooseFromTheMenu(page) {
  await fresh(page, "From the menu");
  await editor(page).click();
  await page.getByRole("button", { name: "Insert tag" }).click();
  await page.getByRole("searchbox", { name: "Find a tag" }).fill("your na");
  await page.locator("[data-tag-path='sender.name']").getByText("Nora Lindqvist").waitFor();
  assert.equal(await page.locator("[data-tag-path]:visible").count(), 1);
  await page.keyboard.press("Enter");
  assert.equal(await source(page), "<p>{{ sender.name }}</p>");
  await page.locator('[name="email.subject"]').click();
  await page.getByRole("button", { name: "Insert tag" }).click();
  await page.locator("[data-tag-path='person.last_name']").click();
  assert.match(await page.locator('[name="email.subject"]').inputValue(), /\{\{ person\.last_name \}\}$/);
  await page.locator('[name="email.subject"]').fill("{{ person.nam }}");
  await page.getByRole("button", { name: "Save", exact: true }).click();
  await page.locator("#n-email\\.subject").getByText("is not a merge tag").waitFor();
  assert.equal(await source(page), "<p>{{ sender.name }}</p>", "nothing typed is lost");
}

const paste = (page, html) => editor(page).evaluate((box, html) => {
  const data = new DataTransfer();
  data.setData("text/html", html);
  data.setData("text/plain", html);
  box.dispatchEvent(new ClipboardEvent("paste", { clipboardData: data, bubbles: true, cancelable: true }));
}, html);

/** The elements, attributes and addresses that may stand in an email, whatever it was made of. */
async function assertSafe(page, html, what) {
  const odd = await page.evaluate((html) => {
    const allowed = { A: ["href"], IMG: ["src", "alt"] };
    const elements = new Set(["P", "BR", "B", "I", "U", "S", "A", "UL", "OL", "LI", "BLOCKQUOTE", "IMG"]);
    return [...new DOMParser().parseFromString(html, "text/html").body.querySelectorAll("*")].flatMap((element) => [
      ...(elements.has(element.tagName) ? [] : [element.tagName]),
      ...[...element.attributes].filter(({ name }) => !allowed[element.tagName]?.includes(name)).map(({ name }) => `${element.tagName} ${name}`),
      ...(element.tagName === "A" && !/^(?:https?:|mailto:|tel:|\{\{)/.test(element.getAttribute("href")) ? [element.outerHTML] : []),
      ...(element.tagName === "IMG" && !/^https:\/\//.test(element.getAttribute("src")) ? [element.outerHTML] : []),
    ]);
  }, html);
  assert.deepEqual(odd, [], `${what} became ${html}`);
}

async function pasteHostile(page, loaded) {
  await fresh(page, "Hostile");
  for (const payload of payloads) {
    await clear(page);
    await paste(page, `<p>before ${payload} after</p>`);
    await assertSafe(page, await source(page), payload);
  }
  await page.waitForLoadState("networkidle");
  assert.equal(await page.evaluate(() => globalThis.__ran), undefined, "nothing ran");
  assert.deepEqual(loaded.filter((url) => isForeign(url, baseUrl)), [], "nothing was loaded");
  await clear(page);
  await paste(page, `<html xmlns:o="urn:o"><head><style>p{color:red}</style></head><body><!--[if x]><p>no</p><![endif]-->
    <p class=MsoNormal style="color:red">Dear <b style="font-weight:700">you</b><o:p></o:p></p>
    <p class=MsoListParagraph style='mso-list:l0 level1 lfo1'><span style='mso-list:Ignore'>·<span>&nbsp; </span></span>one</p>
    <p class=MsoListParagraph style='mso-list:l0 level1 lfo1'><span style='mso-list:Ignore'>·</span>two</p></body></html>`);
  assert.equal(await source(page), "<p>Dear <b>you</b></p>\n<ul><li>one</li><li>two</li></ul>", "from Word");
  await clear(page);
  await paste(page, `<b style="font-weight:normal;" id="docs-internal-guid-1"><p dir="ltr"><span style="font-weight:700">Offer</span><span style="font-style:italic"> soon</span></p><ul><li><p>a</p></li></ul></b>`);
  assert.equal(await source(page), "<p><b>Offer</b><i> soon</i></p>\n<ul><li>a</li></ul>", "from Google Docs");
}

async function attach(page) {
  await fresh(page, "With files");
  await editor(page).fill("See the file.");
  const input = page.locator("#f-email\\.files");
  await input.setInputFiles({ name: "Offer <b>2026</b>.pdf", mimeType: "application/pdf", buffer: Buffer.from("%PDF-1.4 offer") });
  await page.locator(".files .file").getByText("Offer _b_2026__b_.pdf").or(page.locator(".files .file").getByText("b_.pdf")).first().waitFor();
  await input.setInputFiles({ name: "Huge.zip", mimeType: "application/zip", buffer: Buffer.alloc(10 * 1024 * 1024 + 1) });
  await page.getByText("are at most 10 MB").first().waitFor();
  await input.setInputFiles({ name: "Second.txt", mimeType: "text/plain", buffer: Buffer.from("second") });
  await page.locator(".files .file").nth(1).waitFor();
  await page.locator("turbo-frame#preview .file").nth(1).waitFor();
  await page.locator(".files .file").nth(1).getByLabel(/Remove/).click();
  await page.locator(".files .file").nth(1).waitFor({ state: "detached" });
  await save(page);
  const link = page.locator(".files .file a");
  const answer = await page.request.get(new URL(await link.getAttribute("href"), baseUrl).href);
  assert.equal(await answer.text(), "%PDF-1.4 offer");
  assert.match(answer.headers()["content-disposition"], /^attachment; /);
  assert.equal(answer.headers()["x-content-type-options"], "nosniff");
}

async function switchFormats(page) {
  await fresh(page, "Plain");
  await editor(page).fill("First");
  page.once("dialog", (dialog) => dialog.accept());
  await page.getByLabel("Format of the text").selectOption("text");
  const field = page.locator("#f-email\\.body");
  await field.waitFor();
  await field.fill("Hi {{ person.first_name }},\n\nbye\nNora");
  await page.getByLabel("Format of the text").selectOption("html");
  await editor(page).waitFor();
  assert.equal(await source(page), "<p>Hi {{ person.first_name }},</p>\n<p>bye<br>Nora</p>");
}

/** The list: folders, copies, what uses what. */
async function keepOrder(page) {
  await page.goto(`${baseUrl}/templates?whose=mine`);
  await page.getByLabel("Choose By keyboard").check();
  await page.getByLabel("Choose With the mouse").check();
  await page.getByLabel("Move the chosen to").fill("Tried");
  await page.getByRole("button", { name: "Move", exact: true }).click();
  await page.getByText("2 templates are in Tried now.").waitFor();
  await page.getByRole("link", { name: "Rename Tried" }).click();
  const dialog = page.getByRole("dialog");
  await dialog.getByLabel("Name", { exact: true }).fill("Kept");
  await dialog.getByRole("button", { name: "Rename" }).click();
  await page.getByText("The folder is called Kept now.").waitFor();
  await page.getByRole("link", { name: "By keyboard" }).click();
  await page.getByRole("button", { name: "Make a copy" }).click();
  await page.getByRole("heading", { name: "Copy of By keyboard" }).waitFor();
  await page.getByRole("button", { name: "Delete", exact: true }).click();
  await page.getByText("The template is deleted.").waitFor();
}

async function withoutScripts(browser, cookies) {
  const context = await browser.newContext({ javaScriptEnabled: false });
  await context.addCookies(cookies);
  const page = await context.newPage();
  await page.goto(`${baseUrl}/templates/new`);
  await page.locator('[name="name"]').fill("Plainly");
  await page.locator('[name="email.subject"]').fill("Hello");
  await page.locator('[name="email.body"]').fill("Dear {{ person.first_name }},\n\nbye");
  await page.locator('[name="email.files"]').setInputFiles({ name: "a.txt", mimeType: "text/plain", buffer: Buffer.from("plain file") });
  await page.getByRole("button", { name: "Save", exact: true }).click();
  await page.getByRole("heading", { name: "Plainly" }).waitFor();
  assert.equal(await page.locator('[name="email.body"]').inputValue(), "<p>Dear {{ person.first_name }},</p>\n<p>bye</p>");
  assert.equal(await page.locator(".files .file a").innerText(), "a.txt");
  await page.locator('[name="email.subject"]').fill("{{ person.nam }}");
  await page.locator('[name="email.files"]').setInputFiles({ name: "b.txt", mimeType: "text/plain", buffer: Buffer.from("kept") });
  await page.getByRole("button", { name: "Save", exact: true }).click();
  await page.locator("#n-email\\.subject").waitFor();
  assert.equal(await page.locator(".files .file").count(), 2, "the new file is kept beside the refusal");
  await page.locator('[name="email.subject"]').fill("Hello");
  await page.locator("[name='email.attachments.remove']").first().check();
  await page.getByRole("button", { name: "Save", exact: true }).click();
  await page.getByRole("heading", { name: "Plainly" }).waitFor();
  assert.deepEqual(await page.locator(".files .file a").allInnerTexts(), ["b.txt"]);
  await context.close();
}

/** Takes away what the console said until now and the test knows. */
function forgive(errors, words) {
  for (let at = errors.length - 1; at >= 0; at -= 1) if (errors[at].includes(words)) errors.splice(at, 1);
}

await inBrowser(async (page, { browser, context, errors }) => {
  const loaded = [];
  page.on("request", (request) => loaded.push(request.url()));
  await signIn(page);
  await write(page);
  await writeByKeyboard(page);
  await chooseFromTheMenu(page);
  // A refused form is an answer of 422, which the console calls an error.
  forgive(errors, "status of 422");
  await pasteHostile(page, loaded);
  // What is pasted is parsed in a document of its own, where the policy of the page holds too and says what it blocks.
  forgive(errors, "The action has been blocked");
  await attach(page);
  await switchFormats(page);
  await page.evaluate(() => window.removeEventListener("beforeunload", () => {}));
  page.on("dialog", (dialog) => dialog.accept().catch(() => {}));
  await keepOrder(page);
  await withoutScripts(browser, await context.cookies());
});
