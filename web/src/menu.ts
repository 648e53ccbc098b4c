/** menus fold the sidebar on phones, walk through "⋯" by arrow keys, and close by Escape or a click elsewhere. */
export function menus(): void {
  document.addEventListener("click", (event) => {
    const target = event.target instanceof Element ? event.target : null;
    const button = target?.closest<HTMLElement>("[data-menu]");
    if (button) toggle(button);
    for (const open of document.querySelectorAll<HTMLDetailsElement>("details.menu[open]")) {
      if (!target || !open.contains(target)) open.open = false;
    }
  });
  document.addEventListener("keydown", (event) => {
    if (event.key === "Escape") closeAll();
    if (event.key === "ArrowDown" || event.key === "ArrowUp") walk(event, event.key === "ArrowDown" ? 1 : -1);
  });
}

function closeAll(): void {
  for (const open of document.querySelectorAll<HTMLDetailsElement>("details.menu[open]")) {
    open.open = false;
    open.querySelector("summary")?.focus();
  }
  const button = document.querySelector<HTMLElement>("[data-menu][aria-expanded=true]");
  if (!button) return;
  toggle(button);
  button.focus();
}

/** walk goes through an open menu; Down on a closed one opens it. */
function walk(event: KeyboardEvent, by: number): void {
  const menu = event.target instanceof Element ? event.target.closest<HTMLDetailsElement>("details.menu") : null;
  if (!menu) return;
  event.preventDefault();
  menu.open = true;
  const items = [...menu.querySelectorAll<HTMLElement>(".menu-items :is(a, button)")];
  const at = items.indexOf(event.target as HTMLElement);
  const next = at < 0 && by < 0 ? items.length - 1 : at + by;
  items[(next + items.length) % items.length]?.focus();
}

function toggle(button: HTMLElement): void {
  const open = button.getAttribute("aria-expanded") !== "true";
  button.setAttribute("aria-expanded", String(open));
  document.getElementById(button.dataset["menu"] ?? "")?.classList.toggle("is-open", open);
}
