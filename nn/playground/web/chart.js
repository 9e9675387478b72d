// The losses over the steps, read by hovering.

import { digits, svg } from "./draw.js";

const [WIDTH, HEIGHT, PAD] = [380, 130, 8];

export class Chart {
  constructor(box) {
    this.picture = svg("svg", { viewBox: `0 0 ${WIDTH} ${HEIGHT}`, preserveAspectRatio: "none", role: "img" });
    this.training = svg("polyline", { class: "training" });
    this.test = svg("polyline", { class: "test" });
    this.cursor = svg("line", { class: "cursor", y1: 0, y2: HEIGHT, visibility: "hidden" });
    this.picture.append(this.training, this.test, this.cursor);
    this.read = document.createElement("p");
    box.append(this.picture, this.read);
    this.picture.addEventListener("pointermove", (e) => this.hover(e));
    this.picture.addEventListener("pointerleave", () => this.hover(null));
  }

  /** The history of another network: rows of step, training loss, test loss. */
  set(history) {
    this.rows = history.map((row) => [...row]);
    this.draw();
  }

  add(frame) {
    const row = [frame.step, frame.losses.training ?? null, frame.losses.test ?? null];
    if (this.rows.at(-1)?.[0] === row[0]) this.rows.pop();
    this.rows.push(row);
    if (this.rows.length > 1000) this.rows = this.rows.filter((_, i, all) => i % 2 === 0 || i === all.length - 1);
    this.draw();
  }

  draw() {
    const all = this.rows.flatMap((row) => row.slice(1)).filter((value) => value !== null);
    this.top = Math.max(1e-9, ...all);
    this.last = Math.max(1, this.rows.at(-1)?.[0] ?? 1);
    for (const [line, i] of [[this.training, 1], [this.test, 2]]) {
      const points = this.rows.filter((row) => row[i] !== null).map((row) => `${this.x(row[0])},${this.y(row[i])}`);
      line.setAttribute("points", points.join(" "));
    }
    const [step, training, test] = this.rows.at(-1) ?? [0, null, null];
    const says = training === null ? "no loss yet" : `training loss ${digits(training)}`;
    const more = test === null ? "" : `, test loss ${digits(test)}`;
    this.picture.setAttribute("aria-label", `Loss from step 0 to ${step}: ${says}${more}`);
    if (this.cursor.getAttribute("visibility") === "hidden") {
      this.read.textContent = `From 0 to ${digits(this.top)}, steps 0 to ${step}. Point at it to read it.`;
    }
  }

  x(step) {
    return (PAD + (step / this.last) * (WIDTH - 2 * PAD)).toFixed(1);
  }

  y(loss) {
    return (HEIGHT - PAD - (loss / this.top) * (HEIGHT - 2 * PAD)).toFixed(1);
  }

  hover(event) {
    this.cursor.setAttribute("visibility", event && this.rows.length ? "visible" : "hidden");
    if (!event || !this.rows.length) return this.draw();
    const box = this.picture.getBoundingClientRect();
    const step = ((event.clientX - box.left) / box.width * WIDTH - PAD) / (WIDTH - 2 * PAD) * this.last;
    const distance = (row) => Math.abs(row[0] - step);
    const row = this.rows.reduce((best, each) => (distance(each) < distance(best) ? each : best));
    this.cursor.setAttribute("x1", this.x(row[0]));
    this.cursor.setAttribute("x2", this.x(row[0]));
    const test = row[2] === null ? "" : `, test ${digits(row[2])}`;
    this.read.textContent = `Step ${row[0]}: training loss ${digits(row[1])}${test}`;
  }
}
