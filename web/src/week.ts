/**
 * weeks lead through the blocks of a week by arrow keys and say below it which
 * one has the focus: Left and Right to the neighbouring day, Up and Down in
 * order of time, Page Up and Page Down to the neighbouring week.
 */
export function weeks(): void {
  document.querySelectorAll<SVGElement>(".week-drawing").forEach(prepare);
  document.addEventListener("keydown", (event) => {
    const block = blockOf(event.target);
    if (!block || event.ctrlKey || event.altKey || event.metaKey) return;
    const turn = { PageUp: "prev", PageDown: "next" }[event.key];
    const goal = turn ? block.closest(".week")?.querySelector<HTMLElement>(`[data-week="${turn}"]`) : goalOf(block, event.key);
    if (!goal) return;
    event.preventDefault();
    if (turn) (goal as HTMLElement).click();
    else goal.focus();
  });
  document.addEventListener("focusin", (event) => {
    const block = blockOf(event.target);
    if (!block) return;
    blocks(block).forEach((one) => one.setAttribute("tabindex", one === block ? "0" : "-1"));
    say(block, words(block));
  });
  document.addEventListener("focusout", (event) => {
    const block = blockOf(event.target);
    if (block) say(block, "");
  });
}

/** A picture becomes a group of blocks, each with its words. */
function prepare(drawing: SVGElement): void {
  const list = [...drawing.querySelectorAll<SVGElement>("rect")];
  if (list.length === 0) return;
  drawing.setAttribute("role", "group");
  list.forEach((block) => {
    block.setAttribute("role", "img");
    block.setAttribute("aria-label", words(block));
    block.setAttribute("tabindex", "-1");
  });
  blocks(list[0]!)[0]?.setAttribute("tabindex", "0");
}

function blockOf(target: EventTarget | null): SVGElement | null {
  return target instanceof Element ? target.closest<SVGElement>(".week-drawing rect") : null;
}

const number = (block: SVGElement, name: string): number => Number(block.getAttribute(name));
const words = (block: SVGElement): string => block.querySelector("title")?.textContent ?? "";

/** All blocks of the same week in order of time: days go from left to right. */
function blocks(block: SVGElement): SVGElement[] {
  const list = [...(block.ownerSVGElement?.querySelectorAll<SVGElement>("rect") ?? [])];
  return list.sort((a, b) => number(a, "x") - number(b, "x") || number(a, "y") - number(b, "y"));
}

function goalOf(block: SVGElement, key: string): SVGElement | undefined {
  const list = blocks(block);
  const [at, day] = [list.indexOf(block), number(block, "x")];
  switch (key) {
    case "ArrowUp": return list[at - 1];
    case "ArrowDown": return list[at + 1];
    case "ArrowLeft": return list.filter((one) => number(one, "x") < day).at(-1);
    case "ArrowRight": return list.find((one) => number(one, "x") > day);
    case "Home": return list[0];
    case "End": return list.at(-1);
  }
  return undefined;
}

function say(block: SVGElement, text: string): void {
  const place = block.closest(".week")?.querySelector(".week-said");
  if (place) place.textContent = text;
}
