/**
 * grids lead through tables by arrow keys: one stop for Tab, then cell by cell
 * (ARIA Authoring Practices, "Grid"). On phones tables are lists and stay as
 * they are.
 */
export function grids(): void {
  const wide = matchMedia("(min-width: 721px)");
  const all = (): void => document.querySelectorAll<HTMLTableElement>(".table-box > table").forEach(wide.matches ? become : resign);
  all();
  wide.addEventListener("change", all);
  document.addEventListener("focusin", (event) => {
    const table = event.target instanceof Element ? event.target.closest<HTMLTableElement>(".table-box > table") : null;
    if (!table || !wide.matches) return;
    become(table); // one that was read again is a plain table
    enter(table, event.target as HTMLElement);
  });
  document.addEventListener("keydown", (event) => {
    const target = event.target instanceof HTMLElement && !event.target.matches("input, select, textarea") ? event.target : null;
    const cell = target?.closest<HTMLTableCellElement>("[role=grid] :is(td, th)");
    const goal = target && cell && !event.altKey && !event.metaKey ? goalOf(target, cell, event) : undefined;
    if (!goal) return;
    event.preventDefault();
    goal.focus();
  });
}

function become(table: HTMLTableElement): void {
  if (table.getAttribute("role") === "grid") return;
  table.setAttribute("role", "grid");
  stops(table).forEach((one) => (one.tabIndex = -1));
  const first = table.tBodies[0]?.rows[0] ?? table.rows[0];
  if (first) stopsOf(first)[0]!.tabIndex = 0;
}

function resign(table: HTMLTableElement): void {
  if (table.getAttribute("role") !== "grid") return;
  table.removeAttribute("role");
  stops(table).forEach((one) => one.removeAttribute("tabindex"));
}

function enter(table: HTMLTableElement, focused: HTMLElement): void {
  stops(table).forEach((one) => (one.tabIndex = -1));
  focused.tabIndex = 0;
}

/** Where the focus stops in a cell: at each thing that can be used, else at the cell. */
function stopsIn(cell: HTMLTableCellElement): HTMLElement[] {
  const usable = [...cell.querySelectorAll<HTMLElement>("a[href], button, input:not([type=hidden]), select, summary")];
  return usable.length > 0 ? usable : [cell];
}

const stopsOf = (row: HTMLTableRowElement): HTMLElement[] => [...row.cells].flatMap(stopsIn);
const stops = (table: HTMLTableElement): HTMLElement[] => [...table.rows].flatMap(stopsOf);

const page = 10; // rows

function goalOf(target: HTMLElement, cell: HTMLTableCellElement, event: KeyboardEvent): HTMLElement | undefined {
  const row = cell.parentElement as HTMLTableRowElement;
  const rows = [...(row.closest("table")?.rows ?? [])];
  const [r, within] = [rows.indexOf(row), stopsOf(row)];
  const near = (at: number): HTMLTableRowElement => rows[Math.min(Math.max(at, 0), rows.length - 1)]!;
  const below = (by: number): HTMLElement | undefined => stopsIn(near(r + by).cells[cell.cellIndex]!)[0];
  switch (event.key) {
    case "ArrowUp": return below(-1);
    case "ArrowDown": return below(1);
    case "PageUp": return below(-page);
    case "PageDown": return below(page);
    case "ArrowLeft": return within[within.indexOf(target) - 1];
    case "ArrowRight": return within[within.indexOf(target) + 1];
    case "Home": return stopsOf(event.ctrlKey ? near(0) : row)[0];
    case "End": return stopsOf(event.ctrlKey ? near(rows.length) : row).at(-1);
  }
  return undefined;
}
