// The arithmetic of one unit: its weighted sum, its activation and its derivatives, in numbers.

import { digits, element } from "./draw.js";

/** The panel of a unit at a point; `setWeight(path, index, value)` is called for a weight typed in. */
export function neuronPanel(found, point, setWeight) {
  const place = `(${point.map((value) => digits(value)).join(", ")})`;
  const title = `Unit ${found.unit + 1} of layer ${found.layer + 1}: ${found.title}`;
  const parts = [
    element("h2", {}, title),
    element("p", { className: "sub" },
      `At the point ${place}${found.loss === null ? "" : `, whose loss is ${digits(found.loss)}`}. ` +
      "Click another point to see it there; type a weight to change it."),
  ];
  if (found.inputs) parts.push(weightedSum(found, setWeight));
  else parts.push(element("p", {}, `This layer is no weighted sum; it computed ${digits(found.sum)}.`));
  parts.push(...outcome(found));
  return parts;
}

function weightedSum(found, setWeight) {
  const own = found.upstream !== undefined;
  const heads = ["input", "value x", "weight w", "product x · w", ...(own ? ["gradient ∂L/∂w"] : [])];
  const prefix = found.path ? `${found.path}.` : "";
  const row = (name, x, w, path, index) => {
    const field = element("input", { type: "number", step: "any", value: w === null ? "" : Number(w.toPrecision(6)) });
    field.setAttribute("aria-label", `weight of ${name}`);
    field.addEventListener("change", () => setWeight(path, index, field.valueAsNumber));
    const cells = [digits(x, 6), field, digits(x * w), ...(own ? [digits(x * found.upstream)] : [])];
    return element("tr", {}, element("th", { scope: "row" }, name), ...cells.map((c) => element("td", {}, c)));
  };
  const rows = found.inputs.slice(0, 32).map((x, i) =>
    row(found.names[i], x, found.weights[i], `${prefix}weight`, [i, found.unit]));
  if (found.inputs.length > 32) {
    const rest = `and ${found.inputs.length - 32} more inputs`;
    rows.push(element("tr", {}, element("th", { scope: "row" }, rest), element("td", { colSpan: heads.length - 1 })));
  }
  if (found.bias !== null) rows.push(row("1 (bias b)", 1, found.bias, `${prefix}bias`, [found.unit]));
  const total = element("tr", { className: "total" },
    element("th", { scope: "row" }, "sum z"), element("td"), element("td"), element("td", {}, digits(found.sum)),
    ...(own ? [element("td")] : []));
  const head = element("tr", {}, ...heads.map((text) => element("th", { scope: "col" }, text)));
  const table = element("table", {}, element("thead", {}, head), element("tbody", {}, ...rows, total));
  return element("div", { className: "scroll", tabIndex: 0, role: "region", "aria-label": "Weighted sum" }, table);
}

function outcome(found) {
  const lines = [];
  const name = found.activation || "no activation";
  const formula = found.activation
    ? `output = ${name}(z) = ${name}(${digits(found.sum, 6)}) = ${digits(found.output)}`
    : `output = z = ${digits(found.output)}`;
  lines.push(element("p", { className: "formula" }, formula));
  if (found.upstream !== undefined) {
    lines.push(element("p", { className: "formula" },
      `∂L/∂z = ${digits(found.upstream)}: the loss here grows by so much for each unit that z grows; ` +
      "times x it is the gradient of each weight."));
  }
  return lines;
}
