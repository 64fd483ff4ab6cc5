// Sends the form to a preview address shortly after the last key and shows the answer's frames.
// Only the newest answer counts; while it is on its way the old one stays. Where `only` names fields, nothing else is sent
// and nothing else asks.
import { Controller } from "@hotwired/stimulus";

export default class extends Controller {
  static values = { url: String, frame: String, only: String };

  connect() {
    this.element.addEventListener("input", ({ target }) => {
      if (!this.counts(target.name)) return;
      clearTimeout(this.timer);
      this.timer = setTimeout(() => this.ask(), 400);
    });
    this.element.addEventListener("change", ({ target }) => this.counts(target.name) && this.ask());
    const outside = [...this.element.elements].filter((field) => !this.element.contains(field));
    outside.forEach((field) => field.addEventListener("change", () => this.ask()));
    this.findPeople();
  }

  // As whom it is shown is chosen beside the form.
  async findPeople() {
    const box = document.querySelector(".preview-as");
    this.finding = new AbortController();
    if (box) (await import("mail_editor/person_search")).search(box, this.finding);
  }

  disconnect() {
    this.finding.abort();
    clearTimeout(this.timer);
    this.asking?.abort();
  }

  counts(name) {
    return !this.onlyValue || this.onlyValue.split(" ").includes(name);
  }

  async ask() {
    clearTimeout(this.timer);
    this.asking?.abort();
    this.asking = new AbortController();
    const frames = this.frameValue.split(" ");
    const body = new URLSearchParams([...new FormData(this.element)].filter(([name, value]) => typeof value === "string" && this.counts(name)));
    try {
      const answer = await fetch(this.urlValue, { method: "POST", body, signal: this.asking.signal, headers: { "Turbo-Frame": frames[0] } });
      const page = new DOMParser().parseFromString(await answer.text(), "text/html");
      for (const name of frames) {
        const fresh = page.getElementById(name);
        const shown = document.getElementById(name);
        if (fresh && shown) shown.replaceChildren(...fresh.childNodes);
      }
    } catch (error) {
      if (error.name !== "AbortError") console.warn("The preview could not be fetched.", error);
    }
  }
}
