// Links to parts of the page become tabs: one panel shows, arrows move between them.
import { Controller } from "@hotwired/stimulus";

export default class extends Controller {
  static targets = ["list", "tab", "panel"];

  connect() {
    const { signal } = (this.listening = new AbortController());
    // A morph brings back the page as the server drew it: the chosen tab is chosen again.
    document.addEventListener("turbo:render", () => this.element.isConnected && this.setUp(), { signal });
    this.setUp();
  }

  disconnect() {
    this.listening.abort();
  }

  setUp() {
    this.listTarget.setAttribute("role", "tablist");
    this.tabTargets.forEach((tab) => {
      tab.setAttribute("role", "tab");
      tab.setAttribute("aria-controls", this.panelOf(tab)?.id ?? "");
      tab.onclick = (event) => { event.preventDefault(); this.select(tab); };
      tab.onkeydown = (event) => this.move(event, tab);
    });
    this.panelTargets.forEach((panel) => {
      if (panel.tagName === "UL") return;
      panel.setAttribute("role", "tabpanel");
    });
    const chosen = this.tabTargets.find((tab) => tab.hash === this.chosen) ?? this.tabTargets.find((tab) => tab.getAttribute("aria-current") || tab.hash === location.hash);
    this.select(chosen ?? this.tabTargets[0]);
  }

  panelOf(tab) {
    return this.panelTargets.find((panel) => panel.id === tab.getAttribute("href").slice(1));
  }

  select(chosen) {
    this.chosen = chosen.hash;
    this.tabTargets.forEach((tab) => {
      const on = tab === chosen;
      tab.removeAttribute("aria-current");
      tab.setAttribute("aria-selected", on);
      tab.tabIndex = on ? 0 : -1;
      const panel = this.panelOf(tab);
      if (panel) panel.hidden = !on;
    });
  }

  move(event, tab) {
    const step = { ArrowRight: 1, ArrowLeft: -1 }[event.key];
    if (event.key === " ") { event.preventDefault(); return this.select(tab); }
    if (!step) return;
    event.preventDefault();
    const tabs = this.tabTargets;
    const next = tabs[(tabs.indexOf(tab) + step + tabs.length) % tabs.length];
    this.select(next);
    next.focus();
  }
}
