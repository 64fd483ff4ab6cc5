// While a form is on its way its button is busy: it keeps its width, changes its word, and a
// second press does nothing. Ctrl Enter sends the form the cursor is in.
import { Controller } from "@hotwired/stimulus";

export default class extends Controller {
  connect() {
    const { signal } = (this.listening = new AbortController());
    const on = (name, act) => document.addEventListener(name, act, { signal });
    on("turbo:submit-start", (event) => this.start(event.detail.formSubmission));
    on("turbo:submit-end", (event) => this.end(event.detail.formSubmission));
    on("keydown", (event) => this.send(event));
  }

  disconnect() {
    this.listening.abort();
  }

  start({ submitter }) {
    if (!submitter?.classList.contains("button")) return;
    submitter.style.minWidth = `${submitter.offsetWidth}px`;
    submitter.setAttribute("aria-busy", "true");
    const word = submitter.querySelector(".word");
    if (word && submitter.dataset.busy) {
      submitter.dataset.word = word.textContent;
      word.textContent = submitter.dataset.busy;
    }
  }

  end({ submitter }) {
    if (!submitter?.isConnected) return;
    submitter.removeAttribute("aria-busy");
    submitter.style.minWidth = "";
    const word = submitter.querySelector(".word");
    if (word && submitter.dataset.word) word.textContent = submitter.dataset.word;
  }

  send(event) {
    if (event.key !== "Enter" || !(event.ctrlKey || event.metaKey)) return;
    const form = event.target.closest("form") ?? document.querySelector("dialog[open] form");
    if (!form) return;
    event.preventDefault();
    form.requestSubmit(form.querySelector("button.primary") ?? undefined);
  }
}
