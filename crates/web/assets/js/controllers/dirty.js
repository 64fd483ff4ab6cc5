// Asks before leaving a form with changes that were not saved.
import { Controller } from "@hotwired/stimulus";

const question = "Leave without saving what you changed?";

export default class extends Controller {
  connect() {
    const { signal } = (this.listening = new AbortController());
    this.changed = false;
    this.element.addEventListener("input", () => (this.changed = true), { signal });
    this.element.addEventListener("submit", () => (this.changed = false), { signal });
    addEventListener("beforeunload", (event) => this.changed && event.preventDefault(), { signal });
    document.addEventListener("turbo:before-visit", (event) => {
      if (this.changed && !confirm(question)) event.preventDefault();
    }, { signal });
    this.element.closest("dialog")?.addEventListener("cancel", (event) => {
      if (this.changed && !confirm(question)) event.preventDefault();
    }, { signal });
  }

  disconnect() {
    this.listening.abort();
  }
}
