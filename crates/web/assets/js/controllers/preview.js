// Sends the form to a preview address shortly after the last key and shows the answer's frames.
// Only the newest answer counts; while it is on its way the old one stays.
import { Controller } from "@hotwired/stimulus";

export default class extends Controller {
  static values = { url: String, frame: String };

  connect() {
    this.element.addEventListener("input", () => {
      clearTimeout(this.timer);
      this.timer = setTimeout(() => this.ask(), 400);
    });
    this.element.addEventListener("change", () => this.ask());
    const outside = [...this.element.elements].filter((field) => !this.element.contains(field));
    outside.forEach((field) => field.addEventListener("change", () => this.ask()));
  }

  disconnect() {
    clearTimeout(this.timer);
    this.asking?.abort();
  }

  async ask() {
    clearTimeout(this.timer);
    this.asking?.abort();
    this.asking = new AbortController();
    const frames = this.frameValue.split(" ");
    const body = new URLSearchParams([...new FormData(this.element)].filter(([, value]) => typeof value === "string"));
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
