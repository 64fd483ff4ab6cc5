// Keeps "36 min ago" true while the page is open, by the business clock of the page.
import { Controller } from "@hotwired/stimulus";

const loaded = Date.now();

export default class extends Controller {
  connect() {
    this.tick();
    this.timer = setInterval(() => this.tick(), 30000);
  }

  disconnect() {
    clearInterval(this.timer);
  }

  now() {
    const [at, rate] = (document.querySelector("meta[name=business-clock]")?.content ?? "").split(" ").map(Number);
    if (this.base !== at) [this.base, this.since] = [at, this.base === undefined ? loaded : Date.now()];
    return at ? at + (Date.now() - this.since) * (rate || 1) : Date.now();
  }

  tick() {
    const minutes = Math.floor((this.now() - Date.parse(this.element.dateTime)) / 60000);
    const words = this.element.firstChild;
    if (minutes >= 1 && minutes < 60) words.textContent = `${minutes} min ago`;
    else if (minutes >= 60 && minutes < 360 && / ago$|just now/.test(words.textContent)) words.textContent = `${Math.floor(minutes / 60)} h ago`;
  }
}
