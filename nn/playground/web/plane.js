// The plane of two inputs: what the network predicts in every cell, and the points.

import { bytes, classColor, css, fill, mark, mixed, signedColor } from "./draw.js";

const NEAR = 9; // pixels
const MOVE = 1 / 40; // of the plane, with an arrow key

export class Plane {
  /** `on` has hover({point, index} or null), add(point) and choose(index). */
  constructor(canvas, on) {
    this.canvas = canvas;
    this.on = on;
    this.cells = document.createElement("canvas");
    this.marks = document.createElement("canvas"); // of the points, which stay while it learns
    this.cross = null;
    canvas.addEventListener("pointermove", (e) => on.hover(this.under(e)));
    canvas.addEventListener("pointerleave", () => on.hover(null));
    canvas.addEventListener("click", (e) => this.press(this.under(e)));
    canvas.addEventListener("keydown", (e) => this.key(e));
    canvas.addEventListener("blur", () => {
      this.cross = null;
      on.hover(null);
      this.draw();
    });
  }

  /** A new state of the session: other points, other bounds. */
  set(state) {
    this.state = state;
    this.cells.width = this.cells.height = state.grid;
  }

  /** A new frame. */
  show(frame) {
    const { classes, grid } = this.state;
    const signed = bytes(frame.plane.signed);
    const likely = frame.plane.likely && bytes(frame.plane.likely);
    if (likely) {
      const both = Int16Array.from(signed, (value, i) => 128 * likely[i] + value); // value is >= 0
      fill(this.cells, grid, both, (value) =>
        mixed(classColor(value >> 7, classes.length), (value & 127) / 127));
    } else fill(this.cells, grid, signed, (value) => signedColor(value / 127));
    this.draw();
  }

  draw() {
    const { canvas, state } = this;
    if (!state) return;
    const ratio = devicePixelRatio || 1;
    const side = Math.round(canvas.clientWidth * ratio);
    if (canvas.width !== side) canvas.width = canvas.height = side;
    const context = canvas.getContext("2d");
    context.imageSmoothingEnabled = true;
    context.drawImage(this.cells, 0, 0, side, side);
    const style = getComputedStyle(document.body);
    const [ink, paper] = [style.color, style.backgroundColor];
    const marked = [state.points, side, this.chosen, ink];
    if (marked.some((each, i) => each !== this.marked?.[i])) {
      this.marks.width = this.marks.height = side;
      this.drawPoints(this.marks.getContext("2d"), ratio, ink, paper);
      this.marked = marked;
    }
    context.drawImage(this.marks, 0, 0);
    if (this.cross) this.drawCross(context, ratio, ink, paper);
  }

  drawPoints(context, ratio, ink, paper) {
    const { state } = this;
    const few = state.points.x.length < 400;
    state.points.x.forEach((point, i) => {
      const [x, y] = this.pixel(point).map((v) => v * ratio);
      const test = i >= state.points.training;
      const size = (few ? 4.4 : 3) * ratio * (i === this.chosen ? 1.7 : 1);
      mark(context, x, y, size, this.classOf(i), css(this.colorOf(i)), test, ink, paper);
    });
  }

  drawCross(context, ratio, ink, paper) {
    const [x, y] = this.pixel(this.cross).map((v) => v * ratio);
    for (const [color, width] of [[paper, 5], [ink, 2]]) {
      context.beginPath();
      context.moveTo(x - 9 * ratio, y);
      context.lineTo(x + 9 * ratio, y);
      context.moveTo(x, y - 9 * ratio);
      context.lineTo(x, y + 9 * ratio);
      context.strokeStyle = color;
      context.lineWidth = width * ratio;
      context.stroke();
    }
  }

  classOf(i) {
    return this.state.classes.length ? this.state.points.target[i] : 0;
  }

  colorOf(i) {
    const { classes, points, targets } = this.state;
    if (classes.length) return classColor(points.target[i], classes.length);
    const [low, high] = targets;
    return signedColor((2 * (points.target[i] - low)) / (high - low) - 1);
  }

  // ------------------------------------------------------------------ places

  pixel([a, b]) {
    const [[low, high], [bottom, top]] = this.state.bounds;
    const side = this.canvas.clientWidth;
    return [((a - low) / (high - low)) * side, ((top - b) / (top - bottom)) * side];
  }

  point(x, y) {
    const [[low, high], [bottom, top]] = this.state.bounds;
    const side = this.canvas.clientWidth;
    return [low + (x / side) * (high - low), top - (y / side) * (top - bottom)];
  }

  under(event) {
    const box = this.canvas.getBoundingClientRect();
    const [x, y] = [event.clientX - box.left, event.clientY - box.top];
    return { point: this.point(x, y), index: this.nearest(x, y), at: [x, y] };
  }

  nearest(x, y) {
    let best = null;
    let least = NEAR ** 2;
    this.state.points.x.forEach((point, i) => {
      const [a, b] = this.pixel(point);
      const distance = (a - x) ** 2 + (b - y) ** 2;
      if (distance < least) [best, least] = [i, distance];
    });
    return best;
  }

  key(event) {
    const moves = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, 1], ArrowDown: [0, -1] };
    const [[low, high], [bottom, top]] = this.state.bounds;
    const move = moves[event.key];
    if (move) {
      event.preventDefault();
      const [a, b] = this.cross ?? [(low + high) / 2, (bottom + top) / 2];
      const within = (value, least, most) => Math.min(most, Math.max(least, value));
      this.cross = [
        within(a + move[0] * MOVE * (high - low), low, high),
        within(b + move[1] * MOVE * (top - bottom), bottom, top),
      ];
      this.draw();
      const at = this.pixel(this.cross);
      this.on.hover({ point: this.cross, index: this.nearest(...at), at });
    } else if (event.key === "Enter" && this.cross) {
      event.preventDefault();
      const at = this.pixel(this.cross);
      this.press({ point: this.cross, index: this.nearest(...at) });
    }
  }

  /** A point that is there is chosen, elsewhere one is added. */
  press({ point, index }) {
    if (index === null) this.on.add(point);
    else this.on.choose(index);
  }
}
