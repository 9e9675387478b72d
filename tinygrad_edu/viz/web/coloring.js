// Boxes colored by the size of their gradient, and the legend.
import { element, show } from "arrays";

// For each box its largest |gradient| on a logarithmic scale from 0 to 1, and the range of it.
export function sizes(data, drawing) {
  const found = new Map();
  data.boxes.forEach((box, b) => {
    const array = box.gradient === null ? null : data.arrays[box.gradient];
    if (!array || !("min" in array)) return;
    const key = drawing.shown("box", b);
    const most = Math.max(Math.abs(array.min), Math.abs(array.max));
    found.set(key, Math.max(found.get(key) || 0, most));
  });
  const logs = [...found.values()].filter((x) => x > 0).map(Math.log10);
  const low = Math.min(...logs),
    high = Math.max(...logs);
  const level = (x) => {
    if (x === 0) return 0;
    return high > low ? 0.08 + (0.92 * (Math.log10(x) - low)) / (high - low) : 1;
  };
  const levels = new Map([...found].map(([key, x]) => [key, level(x)]));
  return { levels, range: logs.length ? [10 ** low, 10 ** high] : null };
}

const KINDS = ["operation", "module", "parameter", "input", "output", "failed"];

// What colors and outlines mean, as items of a list.
export function legend(data, range) {
  const item = (kind, word) => element("li", {}, element("i", { class: kind }), word);
  const present = new Set(data.boxes.map((box) => box.kind));
  if (data.frames.length > 1) present.add("module");
  const items = KINDS.filter((kind) => present.has(kind)).map((kind) =>
    item(kind, kind === "module" ? "folded module" : kind),
  );
  if (data.backward) items.push(item("arrived", "gradient has arrived"));
  if (range) {
    const [low, high] = range.map((x) => show(x, 2));
    const text = `color: largest |gradient|, from ${low} (pale) to ${high} (strong)`;
    items.push(element("li", { text }));
  }
  return items;
}
