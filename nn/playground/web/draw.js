// What the drawings share: numbers, elements, colors and marks.

/** Bytes of base64. */
export function bytes(text) {
  const found = atob(text);
  const result = new Int8Array(found.length);
  for (let i = 0; i < found.length; i++) result[i] = found.charCodeAt(i);
  return result;
}

/** float32 numbers of base64. */
export function floats(text) {
  return new Float32Array(bytes(text).buffer);
}

/** A number with so many digits, with a true minus sign. */
export function digits(value, count = 4) {
  if (value === null || value === undefined) return "not finite";
  const size = Math.abs(value);
  const text = size !== 0 && (size < 1e-4 || size >= 1e7)
    ? value.toExponential(count - 1)
    : String(Number(value.toPrecision(count)));
  return text.replace("-", "−").replace("e-", "e−");
}

/** An element with properties and children; texts are never read as HTML. */
export function element(name, properties = {}, ...children) {
  const made = document.createElement(name);
  for (const [key, value] of Object.entries(properties)) {
    if (key in made) made[key] = value;
    else made.setAttribute(key, value);
  }
  made.append(...children);
  return made;
}

/** An element of SVG. */
export function svg(name, attributes = {}) {
  const made = document.createElementNS("http://www.w3.org/2000/svg", name);
  for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
  return made;
}

const system = matchMedia("(prefers-color-scheme: dark)");
const root = document.documentElement.style;
let dark = system.matches;

/** Call `act` when the color scheme changes; `theme` is a select that may choose it. */
export function onScheme(theme, act) {
  const changed = () => {
    root.colorScheme = theme.value;
    dark = theme.value === "dark" || (theme.value !== "light" && system.matches);
    act();
  };
  system.addEventListener("change", changed);
  theme.addEventListener("change", changed);
}

const TWO = [[179, 88, 6], [33, 102, 172]]; // orange and blue, told apart by everybody
const TWO_DARK = [[222, 125, 40], [88, 155, 224]];
const MANY = [
  [0, 114, 178], [230, 159, 0], [0, 158, 115], [204, 121, 167], [213, 94, 0],
  [86, 180, 233], [160, 150, 20], [130, 60, 130], [110, 110, 110], [90, 60, 30],
];
const PAPER = [255, 255, 255];
const PAPER_DARK = [20, 24, 31];

const two = () => (dark ? TWO_DARK : TWO);

/** The color of a class, red, green and blue. */
export function classColor(index, classes) {
  return classes <= 2 ? two()[index] : MANY[index % MANY.length];
}

/** From orange by paper to blue for -1 to 1. */
export function signedColor(value) {
  return mixed(two()[value > 0 ? 1 : 0], Math.abs(value));
}

/** A color on paper: none of it at 0, most of it at 1. */
export function mixed(color, share) {
  const paper = dark ? PAPER_DARK : PAPER;
  const s = Math.min(1, share) * 0.85;
  return color.map((c, i) => Math.round(c * s + paper[i] * (1 - s)));
}

export const css = ([r, g, b]) => `rgb(${r} ${g} ${b})`;

/** Fill a canvas, a cell for each pixel; `colorOf` says the color of a value, and is asked once. */
export function fill(canvas, side, values, colorOf) {
  const context = canvas.getContext("2d");
  const image = context.createImageData(side, side);
  const pixels = new Uint32Array(image.data.buffer);
  const known = new Map();
  for (let i = 0; i < side * side; i++) {
    let pixel = known.get(values[i]);
    if (pixel === undefined) {
      const [r, g, b] = colorOf(values[i]);
      pixel = (255 << 24) | (b << 16) | (g << 8) | r; // the bytes of little-endian machines
      known.set(values[i], pixel);
    }
    pixels[i] = pixel;
  }
  context.putImageData(image, 0, 0);
}

const CORNERS = [
  null, // a circle
  [[-1, -1], [1, -1], [1, 1], [-1, 1]],
  [[0, -1.25], [1.2, 0.95], [-1.2, 0.95]],
  [[0, -1.35], [1.35, 0], [0, 1.35], [-1.35, 0]],
  [[0, 1.25], [1.2, -0.95], [-1.2, -0.95]],
];

/** The mark of a class: its shape says as much as its color. Hollow for the test. */
export function mark(context, x, y, size, index, color, hollow, ink, paper) {
  outline(context, x, y, size, index);
  context.fillStyle = color;
  context.fill();
  context.lineWidth = size * 0.25;
  context.strokeStyle = ink;
  context.stroke();
  if (!hollow) return;
  outline(context, x, y, size * 0.5, index);
  context.fillStyle = paper;
  context.fill();
}

function outline(context, x, y, size, index) {
  const corners = CORNERS[index % CORNERS.length];
  context.beginPath();
  if (corners) for (const [a, b] of corners) context.lineTo(x + a * size * 0.85, y + b * size * 0.85);
  else context.arc(x, y, size, 0, 2 * Math.PI);
  context.closePath();
}
