// Takes in files as soon as they are chosen or dropped, so that they show with their size before the form is saved.
const words = (bytes) => (bytes < 1_048_576 ? `${Math.ceil(bytes / 1024)} KB` : `${(Math.ceil((bytes * 10) / 1_048_576) / 10).toString()} MB`);

export function attach(box, { signal }) {
  const input = box.querySelector("input[type=file]");
  const list = box.querySelector("ul");
  const said = box.querySelector("[data-said]");
  const note = box.querySelector("#n-email\\.attachments");
  const most = Number(box.dataset.most);

  const changed = () => input.form.dispatchEvent(new Event("input", { bubbles: true }));
  const refuse = (text) => {
    const error = document.createElement("p");
    error.className = "field-error";
    error.setAttribute("role", "alert");
    error.textContent = text;
    said.before(error);
    input.setAttribute("aria-invalid", "true");
  };

  const take = async (file) => {
    if (file.size > most) return refuse(`“${file.name}” is ${words(file.size)}; the files of an email are at most ${words(most)}. Put it online and link to it.`);
    said.textContent = `Attaching ${file.name} (${words(file.size)})…`;
    const body = new FormData();
    body.append("email.files", file);
    try {
      const answer = await fetch(box.dataset.url, { method: "POST", body, signal });
      if (!answer.ok) return refuse(answer.status === 422 ? await answer.text() : `“${file.name}” could not be attached. Try again.`);
      const row = document.createElement("template");
      row.innerHTML = await answer.text();
      list.append(row.content);
      said.textContent = `${file.name} is attached.`;
      changed();
    } catch (error) {
      if (error.name !== "AbortError") refuse(`“${file.name}” could not be attached. Check the connection and try again.`);
    }
  };

  const takeAll = async (files) => {
    box.querySelectorAll(".field-error").forEach((error) => error.remove());
    input.removeAttribute("aria-invalid");
    said.textContent = "";
    for (const file of files) await take(file);
    if (note && !note.isConnected) input.removeAttribute("aria-describedby");
  };

  input.addEventListener("change", async (event) => {
    event.stopPropagation();
    const files = [...input.files];
    input.value = "";
    await takeAll(files);
  }, { signal });
  list.addEventListener("change", ({ target }) => {
    if (!target.matches("[name='email.attachments.remove']")) return;
    const row = target.closest("[data-file]");
    said.textContent = `${row.querySelector("a, span").textContent} is removed.`;
    row.remove();
    input.focus();
    changed();
  }, { signal });
  box.addEventListener("dragover", (event) => event.preventDefault(), { signal });
  box.addEventListener("drop", (event) => {
    if (!event.dataTransfer.files.length) return;
    event.preventDefault();
    takeAll([...event.dataTransfer.files]);
  }, { signal });
}
