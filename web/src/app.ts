// What scripts add to pages that work without them. Listeners sit on the
// document, so that live regions need no set-up when they change.
import "htmx.org";
import { copyButtons } from "./copy";
import { revealButtons } from "./reveal";
import { grids } from "./grid";
import { menus } from "./menu";
import { weeks } from "./week";

const start = (root: ParentNode): void => {
  for (const element of root.querySelectorAll<HTMLElement>("[data-copy], [data-reveal], [data-menu]")) {
    element.hidden = false;
  }
};

document.documentElement.classList.add("js");
start(document);
// A live region that was read again brings its buttons hidden, as the server wrote them.
new MutationObserver((changes) => {
  for (const change of changes) {
    if (change.target instanceof Element) start(change.target.parentElement ?? change.target);
  }
}).observe(document.body, { childList: true, subtree: true, attributes: true, attributeFilter: ["hidden"] });

copyButtons();
revealButtons();
menus();
grids();
weeks();

// A filter is applied as soon as something else is chosen.
document.addEventListener("change", (event) => {
  if (event.target instanceof HTMLSelectElement && event.target.hasAttribute("data-submit")) {
    event.target.form?.requestSubmit();
  }
});

// Two clicks send a form once.
document.addEventListener("submit", (event) => {
  const form = event.target;
  if (!(form instanceof HTMLFormElement) || form.method !== "post") return;
  if (form.dataset["sent"]) {
    event.preventDefault();
    return;
  }
  form.dataset["sent"] = "1";
});
// The back button may bring a page out of memory as it was: it shows the state of
// then, or what a signed-out person must not see.
addEventListener("pageshow", (event) => {
  if (event.persisted) location.reload();
  for (const form of document.forms) delete form.dataset["sent"];
});
