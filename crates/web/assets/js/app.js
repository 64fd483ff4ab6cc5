// Starts Turbo and registers one small controller per behaviour. Every page works without this.
import "@hotwired/turbo";
import { Application } from "@hotwired/stimulus";
import Busy from "controllers/busy";
import Dialog from "controllers/dialog";
import Dirty from "controllers/dirty";
import Filter from "controllers/filter";
import InPlace from "controllers/in_place";
import Index from "controllers/index";
import Insert from "controllers/insert";
import Keys from "controllers/keys";
import Live from "controllers/live";
import MailEditor from "controllers/mail_editor";
import Menu from "controllers/menu";
import Palette from "controllers/palette";
import Panes from "controllers/panes";
import Preview from "controllers/preview";
import Selection from "controllers/selection";
import Tabs from "controllers/tabs";
import TagList from "controllers/tag_list";
import Time from "controllers/time";
import Timeline from "controllers/timeline";
import Toast from "controllers/toast";

const controllers = { busy: Busy, dialog: Dialog, dirty: Dirty, filter: Filter, "in-place": InPlace, index: Index, insert: Insert, keys: Keys, live: Live, "mail-editor": MailEditor, menu: Menu, palette: Palette, panes: Panes, preview: Preview, selection: Selection, tabs: Tabs, "tag-list": TagList, time: Time, timeline: Timeline, toast: Toast };
const application = Application.start();

// Whoever has to say a time zone has that of the browser chosen already, if it is in the list.
document.addEventListener("turbo:load", () => {
  const zone = document.querySelector("select[name=time_zone][required]");
  const own = Intl.DateTimeFormat().resolvedOptions().timeZone;
  if (zone?.value === "" && [...zone.options].some((option) => option.value === own)) zone.value = own;
});

// Tabs that are wider than a phone begin with the current one in sight.
document.addEventListener("turbo:load", () => {
  for (const tab of document.querySelectorAll(".tabs > [aria-current]")) {
    const [list, at] = [tab.parentElement, tab.getBoundingClientRect()];
    list.scrollLeft += at.left - list.getBoundingClientRect().left - (list.clientWidth - at.width) / 2;
  }
});

for (const [name, controller] of Object.entries(controllers)) application.register(name, controller);
