// What several scripts do with a signed-in page: sign in, send a form and wait, ask the API in the name of the page.

/** Signs in on the page of sign-in. */
export async function signIn(page, baseUrl, email, password) {
  await page.goto(baseUrl);
  await page.locator("input[type=email]").fill(email);
  await page.locator("input[type=password]").fill(password);
  await page.locator("input[type=password]").press("Enter");
  await page.locator("input[type=password]").waitFor({ state: "detached" });
}

/** Does something that sends a form, and waits until the page has settled. */
export async function sent(page, act) {
  const answered = page.waitForResponse((response) => response.request().method() === "POST");
  await act();
  await answered;
  await page.waitForLoadState("networkidle");
}

/** A call of the API with the session of the page; its JSON. */
export async function api(page, method, path, body) {
  const asked = { method, path, body };
  const { status, json } = await page.evaluate(async ({ method, path, body }) => {
    const headers = body ? { "content-type": "application/json" } : {};
    const answer = await fetch(`/api/v1${path}`, { method, headers, body: body && JSON.stringify(body) });
    const text = await answer.text();
    return { status: answer.status, json: text ? JSON.parse(text) : null };
  }, asked);
  if (status >= 300) throw new Error(`${method} ${path}: ${status} ${JSON.stringify(json)}`);
  return json;
}

/** Asks until the answer is as wanted. */
export async function until(page, path, wanted) {
  const end = Date.now() + 20_000;
  while (Date.now() < end) {
    const found = await api(page, "GET", path);
    if (wanted(found)) return found;
  }
  throw new Error(`${path} never became as wanted`);
}
