/** menus fold the sidebar on phones, and close "⋯" by Escape or a click elsewhere. */
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
    if (event.key !== "Escape") return;
    for (const open of document.querySelectorAll<HTMLDetailsElement>("details.menu[open]")) {
      open.open = false;
      open.querySelector("summary")?.focus();
    }
  });
}

function toggle(button: HTMLElement): void {
  const open = button.getAttribute("aria-expanded") !== "true";
  button.setAttribute("aria-expanded", String(open));
  document.getElementById(button.dataset["menu"] ?? "")?.classList.toggle("is-open", open);
}
