// The panel: what the current step does, in numbers, and all that is known about the chosen box.
import { chooser } from "cells";
import { element, figure, histogram, list, shapeOf, show, statistics } from "arrays";

const WORDS = { "×": "times", "=": "equals", "+": "plus", "→": "becomes", "Σ →": "summed" };

// A sign between two arrays, with its word below.
function sign(text) {
  const word = WORDS[text] ? element("small", { text: WORDS[text] }) : null;
  return element("span", { class: "sign", text }, word);
}

// A table with a word above each column.
function grid(words, rows) {
  const head = element("tr");
  for (const word of words)
    head.append(word ? element("th", { text: word, scope: "col" }) : element("td"));
  const body = element("tbody");
  for (const row of rows) {
    const line = element("tr");
    for (const cell of row) line.append(element("td", {}, ...[cell].flat()));
    body.append(line);
  }
  return element("table", { class: "terms" }, element("thead", {}, head), body);
}

export class Inspector {
  constructor(data, places, { choose, toggle }) {
    Object.assign(this, { data, ...places, choose, toggle });
  }

  array(number, name) {
    return figure(this.data.arrays[number], name);
  }

  // ---------------------------------------------------------------- the step

  showStep(step) {
    if (!step) {
      this.status.textContent = this.data.steps.length ? "Nothing is computed yet." : "";
      this.stepPlace.replaceChildren();
      return;
    }
    this.status.textContent = step.say;
    this.figures = new Map();
    const parts = [];
    const box = this.data.boxes[step.box];
    if (step.kind === "forward") parts.push(...this.formula(box, -1), ...this.computed(step));
    else if (step.kind === "seed") parts.push(this.array(step.total, "gradient to begin with"));
    else
      parts.push(
        ...this.formula(box, step.derivative),
        ...step.blocks.map((block) => this.block(block)).filter(Boolean),
        ...this.sum(step),
      );
    parts.push(...this.source(box.where));
    this.stepPlace.replaceChildren(...parts);
  }

  // Instead of a step, that it was the last one in a folded module.
  showModule(f, step) {
    const pass = step.kind === "forward" ? "Forward" : "Backward";
    this.status.textContent = `${pass} through module ${this.data.frames[f].path}`;
    const text = "Choose a smaller stride, or unfold it, to see what happens inside.";
    this.stepPlace.replaceChildren(element("p", { text }));
  }

  computed(step) {
    if (step.result === null || step.result === undefined) return [];
    const row = element("div", { class: "arrays" });
    for (const [i, [number, name]] of step.operands.entries()) {
      if (i) row.append(sign(","));
      row.append(number === null ? element("span", { text: name }) : this.array(number, name));
    }
    row.append(sign("→"), this.array(step.result, step.name));
    return [row];
  }

  // The running sum of a gradient with several contributions.
  sum(step) {
    if (step.count === 1) return [];
    const row = element("div", { class: "arrays" });
    if (step.before !== null) row.append(this.array(step.before, "so far"), sign("+"));
    row.append(this.array(step.part, `contribution ${step.turn} of ${step.count}`));
    if (step.before !== null) row.append(sign("="), this.array(step.total, "sum"));
    return [
      element("h3", {
        text: `The ${step.count} contributions to ${step.target_name} are added`,
      }),
      row,
    ];
  }

  // Pieces of an explanation, which Python wrote (`viz/explanation.py`).
  block(block) {
    if (block.kind === "text") return element("p", { text: block.text });
    if (block.kind === "heading") return element("h3", { text: block.text });
    if (block.kind === "equation") {
      const row = element("div", { class: "arrays" });
      for (const part of block.parts)
        row.append(typeof part === "string" ? sign(part) : this.figure(part[0], part[1]));
      return row;
    }
    if (block.kind === "cells") return chooser(block, this.data.arrays, this.figures, grid);
    return this.lines(block);
  }

  // An array of the step, which a chooser of elements finds by its number.
  figure(number, name) {
    const made = this.array(number, name);
    this.figures.set(number, made);
    return made;
  }

  lines(block) {
    const all = element("details", {}, element("summary", { text: block.text }));
    for (const [code, array, depends] of block.lines) {
      all.append(
        element("pre", { text: code + (depends ? "" : "   (does not depend on g)") }),
        array === null ? "" : this.array(array, ""),
      );
    }
    return all;
  }

  formula(box, which) {
    const op = this.data.ops[box.op];
    if (!op) return [];
    const chosen =
      which < 0
        ? [op.forward]
        : op.derivatives.filter((_, i) => i === which || op.derivatives.length <= which);
    const word = which < 0 ? op.summary : "derivative; g is the upstream gradient";
    return chosen.map((markup) => {
      const line = element("div", { class: "formula" });
      line.innerHTML = markup; // MathML that viz/mathml.py escaped
      line.append(element("span", { text: word }));
      return line;
    });
  }

  source(where) {
    if (!where || !where.text.trim()) return [];
    const { text, start, end } = where,
      code = element("pre");
    const indent = text.length - text.trimStart().length;
    if (start === null) code.append(text.trim());
    else
      code.append(
        text.slice(indent, start),
        element("mark", { text: text.slice(start, end) }),
        text.slice(end).trimEnd(),
      );
    return [
      element("h3", { text: `${where.file}, line ${where.line}, in ${where.function}` }),
      code,
    ];
  }

  // ---------------------------------------------------------------- the chosen box

  // `gradient` is the number of the array that has arrived by the current step, or null.
  showBox(b, gradient, complete) {
    const box = this.data.boxes[b],
      op = this.data.ops[box.op];
    const facts = [["kind", box.kind]];
    if (box.op) facts.push(["operation", box.op]);
    if (box.name) facts.push(["name", box.name]);
    facts.push(["shape", box.shape ? shapeOf(box.shape) : "several outputs"], ["dtype", box.dtype]);
    if (this.data.frames[box.frame].path) facts.push(["module", this.data.frames[box.frame].path]);
    if (box.statics) facts.push(["options", box.statics]);
    const parts = [
      element("h2", { text: box.title }),
      list(facts.filter(([, value]) => value)),
      ...this.neighbors(b),
    ];
    if (op) {
      parts.push(element("h3", { text: "Formula and derivatives" }), ...this.formula(box, -1));
      op.derivatives.forEach((_, i) => parts.push(...this.formula(box, i)));
    }
    if (box.value !== null) parts.push(...this.details("Value", box.value, "value"));
    if (gradient !== null)
      parts.push(...this.details(complete ? "Gradient" : "Gradient so far", gradient, "gradient"));
    else if (this.data.backward && box.kind !== "input" && box.gradient !== null)
      parts.push(element("p", { text: "No gradient has arrived here at this step." }));
    else if (box.kind === "input") parts.push(element("p", { text: "It needs no gradient." }));
    if (box.code)
      parts.push(element("h3", { text: "As a line of NumPy" }), element("pre", { text: box.code }));
    parts.push(...this.source(box.where));
    this.chosenPlace.replaceChildren(...parts);
  }

  details(heading, number, name) {
    const array = this.data.arrays[number];
    return [
      element("h3", { text: heading }),
      this.array(number, ""),
      statistics(array),
      histogram(array, name),
    ].filter(Boolean);
  }

  neighbors(b) {
    const rows = [];
    const links = (word, boxes) => {
      if (!boxes.length) return;
      const span = element("span");
      [...new Set(boxes)].slice(0, 8).forEach((each, i) => {
        const button = element("button", { text: this.data.boxes[each].label });
        button.addEventListener("click", () => this.choose("box", each));
        span.append(i ? " " : "", button);
      });
      rows.push([word, span]);
    };
    links(
      "computed from",
      this.data.arrows.filter((a) => a.head === b).map((a) => a.tail),
    );
    links(
      "goes to",
      this.data.arrows.filter((a) => a.tail === b).map((a) => a.head),
    );
    return rows.length ? [list(rows)] : [];
  }

  showFrame(f, folded, inside) {
    const frame = this.data.frames[f];
    const button = element("button", { text: folded ? "⊞ Unfold" : "⊟ Fold" });
    button.addEventListener("click", () => this.toggle(f));
    const parts = [
      element("h2", { text: `Module ${frame.path}` }),
      element("p", { text: frame.lines.join(", ") }),
      button,
    ];
    const members = new Set(inside),
      { boxes, arrows, arrays } = this.data;
    const crossing = (from, to) => [
      ...new Set(
        arrows.filter((a) => members.has(a[to]) && !members.has(a[from])).map((a) => a[from]),
      ),
    ];
    const named = (several) =>
      several
        .slice(0, 6)
        .map((b) => `${boxes[b].label} ${boxes[b].shape ? shapeOf(boxes[b].shape) : ""}`)
        .join(", ");
    const facts = [["comes in", named(crossing("tail", "head"))]];
    const out = [
      ...new Set(
        arrows.filter((a) => members.has(a.tail) && !members.has(a.head)).map((a) => a.tail),
      ),
    ];
    facts.push(["goes on", named(out)]);
    parts.push(list(facts.filter(([, value]) => value)));
    const parameters = inside.filter((b) => boxes[b].kind === "parameter");
    const rows = parameters.map((b) => {
      const array = boxes[b].gradient === null ? null : arrays[boxes[b].gradient];
      const known = array && "min" in array;
      const most = known ? show(Math.max(Math.abs(array.min), Math.abs(array.max))) : "none";
      return [boxes[b].label, shapeOf(boxes[b].shape), most];
    });
    if (rows.length) parts.push(grid(["parameter", "shape", "largest gradient"], rows));
    this.chosenPlace.replaceChildren(...parts);
  }
}
