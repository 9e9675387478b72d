// The network: a column for each layer, a picture for each unit, a line for each weight.

import { bytes, digits, element, fill, floats, signedColor, svg } from "./draw.js";

const SIDE = 25; // cells of a unit's picture

export class Network {
  constructor(columns, edges, choose) {
    this.columns = columns;
    this.edges = edges;
    this.choose = choose;
    new ResizeObserver(() => this.place()).observe(columns);
    columns.addEventListener("keydown", (e) => this.key(e));
  }

  /** Other layers. */
  set(state) {
    this.state = state;
    const names = state.features;
    const inputs = names.slice(0, 16).map((name) => element("div", { className: "input", title: name }, name));
    this.units = [inputs];
    this.boxes = [];
    const columns = [column("Input", inputs, names.length - inputs.length)];
    state.layers.forEach((layer, l) => {
      const last = l === state.layers.length - 1;
      const shown = Math.min(16, layer.units);
      const named = last && layer.units === state.classes.length;
      const units = Array.from({ length: shown }, (_, u) => this.unit(l, u, named ? state.classes[u] : ""));
      this.units.push(units);
      const box = column(layer.title, units, layer.units - shown);
      this.boxes.push(box);
      columns.push(box);
    });
    this.columns.replaceChildren(...columns);
    this.edges.replaceChildren();
    this.lines = null;
  }

  unit(l, u, name) {
    const canvas = element("canvas", { width: SIDE, height: SIDE, "aria-hidden": "true" });
    const button = element("button", { className: "unit", type: "button", "aria-pressed": "false" }, canvas);
    button.setAttribute("aria-label", `unit ${u + 1} of layer ${l + 1}${name ? `, for ${name}` : ""}`);
    if (name) button.append(element("span", { title: name }, name));
    button.tabIndex = l + u === 0 ? 0 : -1;
    button.addEventListener("click", () => this.choose(l, u));
    return button;
  }

  /** A new frame: pictures and weights. */
  show(frame) {
    frame.layers.forEach((layer, l) => {
      const cells = bytes(layer.units);
      this.units[l + 1]?.forEach((unit, u) => {
        const start = u * SIDE * SIDE;
        const own = cells.subarray(start, start + SIDE * SIDE);
        fill(unit.firstChild, SIDE, own, (value) => signedColor(value / 127));
      });
    });
    this.weights = frame.layers.map((layer) => layer.weight && { values: floats(layer.weight), shape: layer.shape });
    if (!this.lines) this.place();
    this.color();
  }

  /** Lines from unit to unit, in their places. */
  place() {
    if (!this.weights) return;
    const box = this.edges.parentElement;
    const origin = box.getBoundingClientRect();
    this.edges.setAttribute("width", box.scrollWidth);
    this.edges.setAttribute("height", box.scrollHeight);
    const place = (unit) => {
      const r = unit.getBoundingClientRect();
      const [x, y] = [r.left - origin.left + box.scrollLeft, r.top - origin.top + box.scrollTop];
      return { left: x, right: x + r.width, middle: y + r.height / 2 };
    };
    const places = this.units.map((units) => units.map(place));
    const lines = [];
    this.lines = this.weights.map((weight, l) => {
      if (!weight || weight.shape[0] > places[l].length) return [];
      return Array.from({ length: weight.shape[0] * weight.shape[1] }, (_, i) => {
        const from = places[l][Math.floor(i / weight.shape[1])];
        const to = places[l + 1][i % weight.shape[1]];
        const line = svg("line", { x1: from.right, y1: from.middle, x2: to.left, y2: to.middle });
        lines.push(line);
        return line;
      });
    });
    this.edges.replaceChildren(...lines);
    this.color();
  }

  color() {
    this.lines.forEach((lines, l) => {
      if (!lines.length) return;
      const { values } = this.weights[l];
      const largest = Math.max(1e-6, ...values.map(Math.abs));
      lines.forEach((line, i) => {
        const share = Math.abs(values[i]) / largest;
        line.setAttribute("class", values[i] < 0 ? "negative" : "positive");
        line.setAttribute("stroke-width", (0.4 + 4 * share).toFixed(1));
        line.setAttribute("opacity", (0.25 + 0.75 * share).toFixed(2));
      });
    });
  }

  /** Mark the chosen unit, or none. */
  press(l, u) {
    this.units.slice(1).forEach((units, a) =>
      units.forEach((unit, b) => unit.setAttribute("aria-pressed", String(a === l && b === u))));
  }

  /** Mark the layer that is at work in a step, or none. */
  mark(l) {
    this.boxes.forEach((box, i) => box.classList.toggle("now", i === l));
  }

  /** Arrow keys go from unit to unit; one of them is reached by Tab. */
  key(event) {
    const moves = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] };
    const move = moves[event.key];
    const units = this.units.slice(1);
    const l = units.findIndex((each) => each.includes(document.activeElement));
    if (!move || l < 0) return;
    event.preventDefault();
    const next = units[Math.min(units.length - 1, Math.max(0, l + move[0]))];
    const u = units[l].indexOf(document.activeElement) + move[1];
    const unit = next[Math.min(next.length - 1, Math.max(0, u))];
    document.activeElement.tabIndex = -1;
    unit.tabIndex = 0;
    unit.focus();
  }
}

function column(title, units, more) {
  const head = element("div", { className: "title" }, title);
  const rest = more > 0 ? [element("div", { className: "more" }, `and ${digits(more)} more`)] : [];
  return element("div", { className: "column" }, head, ...units, ...rest);
}
