// One step of training, in numbers, stage by stage: forward, loss, backward, update.

import { digits, element } from "./draw.js";

const MOST = 12; // rows and columns of a table

export class Steps {
  /** `onLayer(l)` marks the layer that is at work. */
  constructor(box, onLayer, again) {
    this.box = box;
    this.onLayer = onLayer;
    this.again = again;
  }

  show(numbers) {
    this.numbers = numbers;
    this.sample = 0;
    this.at = 0;
    const layers = numbers.layers.map((_, l) => l);
    this.stages = [
      { kind: "batch" },
      ...layers.map((l) => ({ kind: "forward", l })),
      { kind: "loss" },
      ...layers.toReversed().map((l) => ({ kind: "backward", l })),
      ...layers.filter((l) => numbers.layers[l].updates.length).map((l) => ({ kind: "update", l })),
    ];
    this.draw();
  }

  move(by) {
    const at = this.at + by;
    if (at < 0 || at >= this.stages.length) return;
    this.at = at;
    this.draw(by);
  }

  draw(by = 0) {
    const stage = this.stages[this.at];
    this.onLayer(stage.l ?? -1);
    const button = (text, label, delta) => {
      const made = element("button", { type: "button", className: delta > 0 ? "main forward" : "back" }, text);
      made.setAttribute("aria-label", label);
      made.disabled = !this.stages[this.at + delta];
      made.addEventListener("click", () => this.move(delta));
      return made;
    };
    const again = element("button", { type: "button", className: "again" }, "The next step");
    again.addEventListener("click", this.again);
    const place = element("span", { className: "place" }, `Stage ${this.at + 1} of ${this.stages.length}`);
    const bar = element("div", { className: "stages" },
      button("◀ Back", "The stage before", -1), button("Forward ▶", "The next stage", 1), place, again);
    if (["batch", "forward", "backward"].includes(stage.kind)) bar.append(this.chooser());
    this.box.replaceChildren(element("h2", {}, "One step of training"), bar, ...this[stage.kind](stage.l));
    if (by) {
      const next = this.box.querySelector(by > 0 ? ".forward" : ".back");
      (next.disabled ? this.box.querySelector(by > 0 ? ".back" : ".forward") : next).focus();
    }
  }

  chooser() {
    const choose = element("select", {}, ...this.numbers.x.map((_, i) => element("option", { value: i, selected: i === this.sample }, String(i + 1))));
    choose.addEventListener("change", () => {
      this.sample = Number(choose.value);
      this.draw();
    });
    return element("label", {}, "Sample of the batch ", choose);
  }

  // ------------------------------------------------------------------ the stages

  batch() {
    const { samples, x, y, features } = this.numbers;
    const heads = ["sample", ...features.slice(0, MOST), "target"];
    const rows = x.map((row, i) => [`${i + 1}${i === this.sample ? " (shown below)" : ""}`, ...row.slice(0, MOST).map((v) => digits(v)), digits(y[i])]);
    return [
      element("h3", {}, `The batch: ${samples} samples drawn from the training data`),
      table(heads, rows),
    ];
  }

  forward(l) {
    const layer = this.numbers.layers[l];
    const sums = layer.sum[this.sample];
    const outputs = layer.output[this.sample];
    const rows = sums.slice(0, MOST).map((z, u) => [
      `unit ${u + 1}`, digits(z), ...(layer.activation ? [digits(outputs[u])] : []),
    ]);
    const heads = ["", "weighted sum z", ...(layer.activation ? [`${layer.activation}(z)`] : [])];
    return [
      element("h3", {}, `Forward: layer ${l + 1}, ${layer.title}`),
      element("p", {}, `It is given ${some(layer.given[this.sample])} and computes z = x · W + b for each unit.`),
      table(heads, rows),
    ];
  }

  loss() {
    const { loss, loss_name: name, samples } = this.numbers;
    return [
      element("h3", {}, `The loss L: ${name}`),
      element("p", { className: "formula" }, `L = ${digits(loss, 6)}, the mean over the ${samples} samples of the batch.`),
      element("p", {}, "Now backward: how much would L grow if each number before it grew a little?"),
    ];
  }

  backward(l) {
    const layer = this.numbers.layers[l];
    const heads = ["", ...(layer.activation ? ["∂L/∂output"] : []), "∂L/∂z"];
    const after = layer.upstream_output?.[this.sample];
    const before = layer.upstream_sum?.[this.sample];
    const parts = [element("h3", {}, `Backward: layer ${l + 1}, ${layer.title}`)];
    if (!before) return [...parts, element("p", {}, "No gradient comes here.")];
    const rows = before.slice(0, MOST).map((g, u) => [
      `unit ${u + 1}`, ...(layer.activation ? [after ? digits(after[u]) : "none"] : []), digits(g),
    ]);
    const text = layer.activation
      ? `What comes back to the output is multiplied by the slope of ${layer.activation} at z.`
      : "The derivative of the loss by each sum.";
    parts.push(element("p", {}, text), table(heads, rows));
    for (const update of layer.updates) {
      parts.push(element("h3", {}, `∂L/∂${update.name}, summed over the samples`), matrix(update.gradient));
    }
    return parts;
  }

  update(l) {
    const { optimizer, lr, layers, weight_decay: decay } = this.numbers;
    const layer = layers[l];
    const plain = optimizer === "SGD" && !decay;
    const says = plain
      ? `new = old − learning rate · gradient, with learning rate ${digits(lr)}`
      : `new by ${optimizer}${decay ? " with weight decay" : ""}, with learning rate ${digits(lr)}`;
    const parts = [
      element("h3", {}, `Update: layer ${l + 1}, ${layer.title}`),
      element("p", { className: "formula" }, says),
    ];
    const rows = layer.updates.flatMap((update) => update.before.flatMap((row, i) => row.map((old, j) => {
      const [g, after] = [update.gradient[i][j], update.after[i][j]];
      const where = row.length > 1 || update.name === "weight" ? `[${i}, ${j}]` : `[${i}]`;
      const sum = plain ? `${digits(old, 6)} − ${digits(lr)} · ${digits(g, 6)} =` : `${digits(old, 6)} →`;
      return [`${update.name}${where}`, digits(g), sum, digits(after, 6)];
    })));
    parts.push(table(["", "gradient", plain ? "old − rate · gradient" : "old", "new"], rows.slice(0, 40)));
    if (rows.length > 40) parts.push(element("p", {}, `and ${rows.length - 40} more`));
    return parts;
  }
}

function some(values) {
  const shown = values.slice(0, 6).map((value) => digits(value));
  return `(${shown.join(", ")}${values.length > 6 ? ", …" : ""})`;
}

function matrix(values) {
  const rows = values.slice(0, MOST).map((row, i) => [values[0].length > 1 ? `input ${i + 1}` : String(i + 1), ...row.slice(0, MOST).map((v) => digits(v))]);
  const heads = ["", ...values[0].slice(0, MOST).map((_, j) => (values[0].length > 1 ? `unit ${j + 1}` : "value"))];
  return table(heads, rows);
}

function table(heads, rows) {
  const head = element("tr", {}, ...heads.map((text) => element(text ? "th" : "td", text ? { scope: "col" } : {}, text)));
  const body = rows.map(([name, ...cells]) =>
    element("tr", {}, element("th", { scope: "row" }, name), ...cells.map((text) => element("td", {}, text))));
  const made = element("table", {}, element("thead", {}, head), element("tbody", {}, ...body));
  return element("div", { className: "scroll", tabIndex: 0, role: "region", "aria-label": "Numbers" }, made);
}
