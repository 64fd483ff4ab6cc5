// Opens pages as dialogs: a link or form with data-turbo-frame="dialog" loads its page's
// <turbo-frame id="dialog"> into one <dialog>. Focus goes back to what opened it. An answer
// without that frame is an ordinary page: the dialog closes and the page is visited.
import { Controller } from "@hotwired/stimulus";

export default class extends Controller {
  connect() {
    const { signal } = (this.listening = new AbortController());
    this.ensure();
    document.addEventListener("turbo:load", () => this.ensure(), { signal });
    document.addEventListener("turbo:render", () => this.ensure(), { signal });
    document.addEventListener("turbo:before-frame-render", (event) => this.open(event), { signal });
    document.addEventListener("turbo:frame-render", (event) => this.rendered(event), { signal });
    document.addEventListener("turbo:frame-missing", (event) => this.leave(event), { signal });
    document.addEventListener("turbo:before-cache", () => this.close(), { signal });
    document.addEventListener("click", (event) => this.clicked(event), { signal });
  }

  disconnect() {
    this.listening.abort();
  }

  // A page that is itself a dialog page already has the frame, in place.
  ensure() {
    if (document.getElementById("dialog")) return;
    const dialog = document.createElement("dialog");
    dialog.className = "modal";
    dialog.id = "modal";
    dialog.setAttribute("data-turbo-permanent", "");
    dialog.setAttribute("aria-labelledby", "dialog-title");
    dialog.tabIndex = -1;
    const frame = document.createElement("turbo-frame");
    frame.id = "dialog";
    dialog.append(frame);
    dialog.addEventListener("close", () => this.closed());
    document.body.append(dialog);
  }

  get modal() {
    return document.getElementById("modal");
  }

  open(event) {
    if (event.target.id !== "dialog" || !this.modal) return;
    if (this.modal.open) return;
    this.opener = document.activeElement;
    this.modal.showModal();
  }

  // New content takes the focus: where it asks for it, else its first refused or first field.
  rendered(event) {
    if (event.target.id !== "dialog" || !this.modal?.open) return;
    const wish = ["[autofocus]", "[aria-invalid=true]", ".dialog-body :is(input:not([type=hidden]), select, textarea)"];
    const found = wish.map((selector) => this.modal.querySelector(selector)).find(Boolean);
    (found ?? this.modal).focus({ preventScroll: true });
  }

  // Shows a template of this page as a dialog.
  show(template) {
    if (!this.modal || this.modal.open) return;
    this.opener = document.activeElement;
    this.modal.firstElementChild.replaceChildren(template.content.cloneNode(true));
    this.modal.showModal();
  }

  leave(event) {
    if (event.target.id !== "dialog" && event.target.id !== "palette" && event.target.id !== "record") return;
    event.preventDefault();
    this.keepFocus();
    this.close();
    event.detail.visit(event.detail.response);
  }

  // The page that comes gets the focus where it was: at what opened the dialog, the row it was about, or its content.
  keepFocus() {
    const row = document.querySelector("[data-row]:has(:checked) a[id], [data-row][data-here] a[id]");
    const wishes = [this.opener?.id, row?.id, "main"].filter(Boolean);
    const focus = () => {
      if (document.activeElement !== document.body) return;
      const shown = wishes.map((id) => document.getElementById(id)).find((element) => element?.offsetParent);
      shown?.focus({ preventScroll: true });
    };
    document.addEventListener("turbo:load", focus, { once: true });
  }

  clicked(event) {
    const closer = event.target.closest("[data-dialog-close]");
    if (!closer || !closer.closest("dialog")) return;
    event.preventDefault();
    closer.closest("dialog").close();
  }

  close() {
    if (this.modal?.open) this.modal.close();
  }

  closed() {
    const frame = this.modal.firstElementChild;
    frame.removeAttribute("src");
    frame.replaceChildren();
    if (this.opener?.isConnected) this.opener.focus({ preventScroll: true });
    this.opener = null;
  }
}
