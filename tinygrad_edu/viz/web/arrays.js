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
let singles = new Float32Array(0);

// The bytes of what was deflated and written in base64.
export async function inflate(text) {
  const packed = Uint8Array.from(atob(text), (c) => c.charCodeAt(0));
  const stream = new Blob([packed]).stream().pipeThrough(new DecompressionStream("deflate"));
  return new Response(stream).arrayBuffer();
}

// Take in the numbers of all sampled arrays, one after the other, in single precision.
export async function unpack(text) {
  const bytes = new DataView(await inflate(text));
  singles = Float32Array.from({ length: bytes.byteLength / 4 }, (_, i) =>
    bytes.getFloat32(4 * i, true),
  );
}

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
    const numbers = Array.from({ length: sizeOf(shape) }, () => Number(array.constant));
    return { shape, numbers, axes: [] };
  }
  const shape = array.axes.map((axis, i) => (axis ? axis.length : array.shape[i]));
  const numbers = Float64Array.from(singles.subarray(array.at, array.at + sizeOf(shape)));
  if (array.scale !== 1) numbers.forEach((x, k) => (numbers[k] = x * array.scale));
  return { shape, numbers, axes: array.axes };
}

const sizeOf = (shape) => shape.reduce((a, b) => a * b, 1);

// Which of the indices along an axis that the page has is this one; -1 if it has not.
export function placeOf(array, axis, index) {
  const known = array.axes?.[axis];
  return known ? known.indexOf(index) : index;
}

// The number of an element among those that the page has; -1 if it is not.
export function shownAt(array, index) {
  const { shape } = elements(array);
  let k = 0;
  for (const [axis, at] of index.entries()) {
    const place = placeOf(array, axis, at);
    if (place < 0 || place >= shape[axis]) return -1;
    k = k * shape[axis] + place;
  }
  return k;
}

// An element by its index; undefined if the page has it not.
export function valueAt(array, index) {
  if ("constant" in array) return Number(array.constant);
  const k = shownAt(array, index);
  return k < 0 ? undefined : elements(array).numbers[k];
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
  const size = sizeOf(array.shape),
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
  const made = element("figure", { class: "array" }, picture, caption);
  made.mark = (picked, dots) => picture.mark?.(picked, dots);
  made.pick = (choose) => {
    made.classList.toggle("pickable", Boolean(picture.at));
    picture.addEventListener?.("click", (event) => {
      const k = picture.at?.(event) ?? -1;
      if (k >= 0) choose(indexOf(array, k));
    });
  };
  return made;
}

// The index of an element by its number among those that the page has.
function indexOf(array, k) {
  const { shape, axes } = elements(array);
  return unravel(k, shape).map((at, axis) => axes[axis]?.[at] ?? at);
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
    widest = columns > 6; // it may have to be scrolled in the panel
  const scrolls = widest ? { tabindex: 0, role: "group", "aria-label": name } : {};
  const all = element("div", { class: "scroller", ...scrolls });
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
  const cells = [...all.querySelectorAll("td")];
  all.at = (event) => cells.indexOf(event.target);
  all.mark = (picked, dots) => mark(array, cells, picked, dots);
  return all;
}

// Mark cells of a table, some with a frame and some with a dot.
function mark(array, cells, picked, dots = []) {
  for (const each of cells) each.classList.remove("picked", "dotted");
  for (const each of dots) cells[shownAt(array, each)]?.classList.add("dotted");
  for (const each of picked) cells[shownAt(array, each)]?.classList.add("picked");
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
  const pen = canvas.getContext("2d");
  paint(pen, numbers, tiles);
  const under = (event) => {
    const scale = canvas.width / canvas.clientWidth || 1;
    const k = tiles.at(event.offsetX * scale, event.offsetY * scale);
    return event.target === canvas && k < numbers.length ? k : -1;
  };
  canvas.addEventListener("pointermove", (event) => {
    const k = under(event);
    if (k >= 0) canvas.title = `[${indexOf(array, k).join(", ")}] = ${show(numbers[k])}`;
  });
  const whole = element("div", {}, canvas);
  if (axes.some(Boolean)) {
    const text = `a sample of ${numbers.length} of ${sizeOf(array.shape)} elements`;
    whole.append(element("p", { class: "shape", text }));
  }
  whole.at = under;
  whole.mark = (picked, dots = []) => {
    paint(pen, numbers, tiles);
    for (const each of dots) dot(pen, tiles, shownAt(array, each));
    for (const each of picked) ring(pen, tiles, shownAt(array, each));
  };
  return whole;
}

function dot(pen, tiles, k) {
  if (k < 0) return;
  const [left, top] = tiles.corner(k);
  const radius = Math.max(1.2, Math.min(tiles.w, tiles.h) / 5);
  pen.beginPath();
  pen.arc(left + tiles.w / 2, top + tiles.h / 2, radius, 0, 7);
  pen.fillStyle = isDark() ? "#ffffff" : "#000000";
  pen.fill();
}

// A frame in two colors around a cell, which is seen on any other.
function ring(pen, tiles, k) {
  if (k < 0) return;
  const [left, top] = tiles.corner(k);
  const wide = Math.max(0, 6 - Math.min(tiles.w, tiles.h)) / 2;
  for (const [ink, out] of [["#000000", 2], ["#ffe08a", 0.5]]) {
    pen.strokeStyle = ink;
    pen.lineWidth = 1.5;
    const more = out + wide;
    pen.strokeRect(left - more, top - more, tiles.w + 2 * more, tiles.h + 2 * more);
  }
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
  const size = sizeOf(array.shape);
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
