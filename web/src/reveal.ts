/** revealButtons show and hide what was typed into a password field. */
export function revealButtons(): void {
  document.addEventListener("click", (event) => {
    const button = event.target instanceof Element ? event.target.closest<HTMLElement>("[data-reveal]") : null;
    const input = document.getElementById(button?.dataset["reveal"] ?? "");
    if (!button || !(input instanceof HTMLInputElement)) return;
    const shown = input.type === "text";
    input.type = shown ? "password" : "text";
    button.setAttribute("aria-pressed", String(!shown));
    const use = button.querySelector("use");
    use?.setAttribute("href", (use.getAttribute("href") ?? "").replace(/#.*/, shown ? "#eye" : "#eye-off"));
  });
}
