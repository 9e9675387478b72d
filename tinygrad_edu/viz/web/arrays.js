// Arrays of the page: decoded when they are first shown, as tables, heat maps and histograms.

export const MINUS = "−";

// A number as people write it, at most `places` significant digits.
export function show(x, places = 4) {
  if (typeof x === "string") x = Number(x);
  if (Number.isNaN(x)) return "NaN";
  if (!Number.isFinite(x)) return x > 0 ? "∞" : MINUS + "∞";
  if (x === 0) return "0";
  const size = Math.abs(x);
  let text;
  if (Number.isInteger(x) && size < 1e6) text = String(size);
  else if (size >= 1e5 || size < 1e-4) {
    const [digits, power] = size.toExponential(places - 1).split("e");
    text = trimmed(digits) + "e" + power.replace("+", "").replace("-", MINUS);
  } else text = trimmed(size.toPrecision(places));
  return (x < 0 ? MINUS : "") + text;
}

const trimmed = (text) => (text.includes(".") ? text.replace(/\.?0+$/, "") : text);

export const shapeOf = (shape) => (shape.length === 1 ? `(${shape[0]},)` : `(${shape.join(", ")})`);

const decoded = new WeakMap();

// The elements that the page has: their numbers, the shape they form, and the indices of each axis.
export function elements(array) {
  let found = decoded.get(array);
  if (!found) decoded.set(array, (found = decode(array)));
  return found;
}

function decode(array) {
  if (array.values) return { shape: array.shape, numbers: array.values.map(Number), axes: [] };
  if ("constant" in array) {
    const shape = array.shape.map((n) => Math.min(n, 8));
    return {
      shape,
      numbers: new Array(shape.reduce((a, b) => a * b, 1)).fill(Number(array.constant)),
      axes: [],
    };
  }
  const bytes = Uint8Array.from(atob(array.half), (c) => c.charCodeAt(0));
  const halves = new DataView(bytes.buffer);
  const numbers = new Float64Array(bytes.length / 2);
  for (let i = 0; i < numbers.length; i++)
    numbers[i] = half(halves.getUint16(2 * i, true)) * array.scale;
  const shape = array.axes.map((axis, i) => (axis ? axis.length : array.shape[i]));
  return { shape, numbers, axes: array.axes };
}

function half(bits) {
  const sign = bits & 0x8000 ? -1 : 1,
    exponent = (bits >> 10) & 31,
    fraction = bits & 1023;
  if (exponent === 31) return fraction ? NaN : sign * Infinity;
  return (
    sign * (exponent ? 2 ** (exponent - 15) * (1 + fraction / 1024) : 2 ** -14 * (fraction / 1024))
  );
}

export function element(name, attributes = {}, ...children) {
  const made = document.createElement(name);
  for (const [key, value] of Object.entries(attributes)) {
    if (key === "text") made.textContent = value;
    else if (value !== null && value !== undefined) made.setAttribute(key, value);
  }
  made.append(...children.filter((child) => child !== null && child !== undefined));
  return made;
}

const WIDEST = 8; // columns of a table

// An array as a figure with its name and shape: a table if it is small, otherwise a heat map.
export function figure(array, name) {
  const size = array.shape.reduce((a, b) => a * b, 1),
    columns = array.shape.at(-1) ?? 1;
  const tabular = size <= 48 && (array.shape.length === 1 || columns <= WIDEST);
  const power = tabular && size > 1 && !("constant" in array) ? commonPower(array) : 0;
  const words = [name, array.shape.length ? shapeOf(array.shape) : ""];
  if (array.shape.length === 1 && tabular && columns > WIDEST) words.push(`in rows of ${WIDEST}`);
  const caption = element("figcaption", { text: words.filter(Boolean).join(" ") });
  if (power) caption.append(" × 10", element("sup", { text: show(power) }));
  let picture;
  if (!size) picture = element("p", { text: "no elements" });
  else if ("constant" in array && size > 1)
    picture = element("p", { text: `${show(array.constant)} everywhere` });
  else picture = tabular ? tables(array, name || "array", power) : heatMap(array, name || "array");
  return element("figure", { class: "array" }, picture, caption);
}

const largest = (numbers) => {
  let found = 0;
  for (const x of numbers) if (Number.isFinite(x)) found = Math.max(found, Math.abs(x));
  return found || 1;
};

// Very small and very large numbers are divided by a power of ten, which the caption names.
function commonPower(array) {
  const power = Math.floor(Math.log10(largest(elements(array).numbers)));
  return power < -3 || power > 4 ? power : 0;
}

function tables(array, name, power) {
  const { numbers } = elements(array),
    shape = array.shape,
    most = largest(numbers);
  const columns = Math.min(shape.at(-1) ?? 1, WIDEST);
  const rows = shape.length > 1 ? shape.at(-2) : Math.ceil(numbers.length / columns);
  const wide = columns > 4,
    all = element("div");
  for (let start = 0, k = 0; start < numbers.length; start += rows * columns, k++) {
    const body = element("tbody");
    for (let i = start; i < Math.min(start + rows * columns, numbers.length); i += columns) {
      const cells = numbers.slice(i, Math.min(i + columns, numbers.length));
      const made = Array.from(cells, (x) => cell(x, most, x / 10 ** power, wide ? 3 : 4));
      body.append(element("tr", {}, ...made));
    }
    const index = shape.length > 2 ? unravel(k, shape.slice(0, -2)) : null;
    const label = name + (index ? `[${index.join(", ")}]` : "");
    all.append(
      element("table", { class: wide ? "cells wide" : "cells", "aria-label": label }, body),
    );
  }
  return all;
}

function cell(x, most, shown, places) {
  const made = element("td", { text: show(shown, places), class: x < 0 ? "negative" : "positive" });
  made.style.setProperty("--size", Number.isFinite(x) ? (Math.abs(x) / most).toFixed(3) : 0);
  return made;
}

export function unravel(k, shape) {
  const index = [];
  for (const n of [...shape].reverse()) {
    index.unshift(k % n);
    k = Math.floor(k / n);
  }
  return index;
}

// How the elements of an array lie in its heat map: matrices as tiles, side by side.
class Tiles {
  constructor(shape, count) {
    this.columns = shape.at(-1);
    this.rows = shape.length > 1 ? shape.at(-2) : 1;
    const tiles = count / this.rows / this.columns;
    this.across = tilesAcross(tiles, this.rows, this.columns);
    this.gap = tiles > 1 ? 1 : 0;
    const wide = this.across * (this.columns + this.gap);
    const high = Math.ceil(tiles / this.across) * (this.rows + this.gap);
    this.w = Math.max(1, Math.min(12, Math.floor(Math.min(280 / wide, 170 / high))));
    this.h = high === 1 ? Math.max(this.w, 14) : this.w;
    this.size = { width: wide * this.w, height: high * this.h };
  }

  corner(k) {
    const { rows, columns, across, gap, w, h } = this,
      tile = Math.floor(k / (rows * columns));
    const i = Math.floor(k / columns) % rows,
      j = k % columns;
    const down = Math.floor(tile / across);
    return [((tile % across) * (columns + gap) + j) * w, (down * (rows + gap) + i) * h];
  }

  // The number of the element at a point, or -1 between tiles.
  at(left, top) {
    const { rows, columns, across, gap } = this;
    const x = Math.floor(left / this.w),
      y = Math.floor(top / this.h);
    const j = x % (columns + gap),
      i = y % (rows + gap);
    const tile = Math.floor(y / (rows + gap)) * across + Math.floor(x / (columns + gap));
    return j < columns && i < rows ? tile * rows * columns + i * columns + j : -1;
  }
}

// Blue is positive, orange negative and also crossed by a line, for gray print; NaN is black.
function heatMap(array, name) {
  const { shape, numbers, axes } = elements(array),
    tiles = new Tiles(shape, numbers.length);
  const label = `Heat map of ${name}, from ${show(array.min)} to ${show(array.max)}`;
  const canvas = element("canvas", {
    class: "cells",
    ...tiles.size,
    role: "img",
    "aria-label": label,
  });
  paint(canvas.getContext("2d"), numbers, tiles);
  canvas.addEventListener("pointermove", (event) => {
    const scale = canvas.width / canvas.clientWidth || 1;
    const k = tiles.at(event.offsetX * scale, event.offsetY * scale);
    if (k < 0 || k >= numbers.length) return;
    const index = unravel(k, shape).map((at, axis) => axes[axis]?.[at] ?? at);
    canvas.title = `[${index.join(", ")}] = ${show(numbers[k])}`;
  });
  if (!axes.some(Boolean)) return canvas;
  const all = array.shape.reduce((a, b) => a * b, 1);
  const text = `a sample of ${numbers.length} of ${all} elements`;
  return element("div", {}, canvas, element("p", { class: "shape", text }));
}

function paint(pen, numbers, tiles) {
  const most = largest(numbers),
    dark = isDark(),
    { w, h } = tiles;
  pen.strokeStyle = dark ? "#ffd9b0" : "#5c2a00";
  pen.lineWidth = 0.7;
  numbers.forEach((x, k) => {
    const [left, top] = tiles.corner(k);
    pen.fillStyle = color(x, most, dark);
    pen.fillRect(left, top, w, h);
    if (!(x < 0) || w <= 4) return;
    pen.beginPath();
    pen.moveTo(left + 1, top + h - 1);
    pen.lineTo(left + w - 1, top + 1);
    pen.stroke();
  });
}

export function isDark() {
  const scheme = getComputedStyle(document.documentElement).colorScheme;
  return (
    scheme === "dark" ||
    (scheme.includes("dark") && matchMedia("(prefers-color-scheme: dark)").matches)
  );
}

function tilesAcross(tiles, rows, columns) {
  if (tiles === 1) return 1;
  let best = 1;
  for (let n = 1; n <= tiles; n++) {
    const error = (k) => Math.abs(Math.log((k * columns) / (Math.ceil(tiles / k) * rows)));
    if (error(n) < error(best)) best = n;
  }
  return best;
}

export function color(x, most, dark) {
  if (Number.isNaN(x)) return dark ? "#ffffff" : "#000000";
  const size = Math.min(1, Math.abs(x) / most),
    paper = dark ? [20, 24, 31] : [255, 255, 255];
  const full =
    x < 0 ? (dark ? [240, 150, 70] : [179, 88, 6]) : dark ? [90, 170, 245] : [33, 102, 172];
  return `rgb(${paper.map((p, i) => Math.round(p + (full[i] - p) * size)).join(" ")})`;
}

const SVG = "http://www.w3.org/2000/svg";

export function svg(name, attributes = {}, ...children) {
  const made = document.createElementNS(SVG, name);
  for (const [key, value] of Object.entries(attributes))
    if (value !== null && value !== undefined) made.setAttribute(key, value);
  made.append(...children);
  return made;
}

export function histogram(array, name) {
  if (!array.bins) return null;
  const most = Math.max(...array.bins),
    width = 300 / array.bins.length;
  const bars = array.bins.map((n, i) => {
    const height = n ? Math.max(1, (46 * n) / most) : 0;
    return svg("rect", { x: 10 + i * width + 0.5, y: 48 - height, width: width - 1, height });
  });
  const low = svg("text", { x: 10, y: 61 }),
    high = svg("text", { x: 310, y: 61, "text-anchor": "end" });
  low.textContent = show(array.min);
  high.textContent = show(array.max);
  const range = `${array.bins.length} bins from ${show(array.min)} to ${show(array.max)}`;
  const label = `Histogram of ${name}: ${range}`;
  return svg(
    "svg",
    { class: "histogram", viewBox: "0 0 320 64", role: "img", "aria-label": label },
    ...bars,
    low,
    high,
  );
}

export function statistics(array) {
  const facts = [];
  const size = array.shape.reduce((a, b) => a * b, 1);
  if ("min" in array && size > 1) {
    facts.push(["from", `${show(array.min)} to ${show(array.max)}`], ["mean", show(array.mean)]);
    facts.push(["standard deviation", show(array.std)], ["norm", show(array.norm)]);
    if (array.zeros) facts.push(["zeros", `${array.zeros} of ${size}`]);
  }
  if (array.nan) facts.push(["NaN", `${array.nan} of ${size}`]);
  if (array.inf) facts.push(["infinite", `${array.inf} of ${size}`]);
  return list(facts);
}

export function list(facts) {
  const made = element("dl", { class: "facts" });
  for (const [word, value] of facts)
    made.append(element("dt", { text: word }), element("dd", {}, value));
  return made;
}
