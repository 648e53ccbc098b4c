/** copyButtons copies data-copy, and says so on the button for two seconds. */
export function copyButtons(): void {
  document.addEventListener("click", async (event) => {
    const button = event.target instanceof Element ? event.target.closest<HTMLElement>("[data-copy]") : null;
    const label = button?.querySelector("span");
    if (!button || !label || button.classList.contains("is-done")) return;
    await copy(button.dataset["copy"] ?? "");
    const before = label.textContent;
    label.textContent = button.dataset["copied"] ?? before;
    button.classList.add("is-done");
    setTimeout(() => {
      label.textContent = before;
      button.classList.remove("is-done");
    }, 2000);
  });
}

// Pages served by plain http (a first try in the intranet) have no clipboard API.
async function copy(text: string): Promise<void> {
  if (navigator.clipboard) {
    await navigator.clipboard.writeText(text);
    return;
  }
  const area = document.createElement("textarea");
  area.value = text;
  area.className = "hidden-text";
  document.body.append(area);
  area.select();
  document.execCommand("copy");
  area.remove();
}
