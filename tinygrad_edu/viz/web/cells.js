// The sum that an element of a contribution is: found by a rule (`viz/cells.py`) from the arrays of
// the page, or listed there. And the controls to choose an element.
import { element, elements, placeOf, show, shownAt, unravel, valueAt } from "arrays";

const MOST = 6;
const size = (shape) => shape.reduce((a, b) => a * b, 1);
const bracket = (index) => (index.length ? `[${index.join(", ")}]` : "");

function flat(index, shape) {
  return index.reduce((k, at, axis) => k * shape[axis] + at, 0);
}

// The terms of an element: {upstream, where, local, origin, product}; `all` unless the page has not
// all of them; `total` is always exact.
export function termsOf(block, index, arrays) {
  const result = arrays[block.result];
  const found = RULES[block.rule](block, index, arrays);
  found.total = valueAt(result, index);
  found.terms.sort((a, b) => Math.abs(b.product) - Math.abs(a.product));
  return found;
}

const RULES = { single, spread, pairs };

// Where a flat index of the other array is, for an element of one: by strides, or by a table.
function counterpart(block, index, arrays) {
  if (block.strides) return index.reduce((at, i, a) => at + i * block.strides[a], block.offset);
  return valueAt(arrays[block.indices], index);
}

// Of factors at j in the upstream gradient, and at k in the kept array called `name`.
function term(upstream, j, local = 1, name = null, k = null) {
  const origin = name && name + bracket(k);
  return { upstream, where: bracket(j), local, origin, product: upstream * local, j, k };
}

function single(block, index, arrays) {
  const upstream = arrays[block.upstream];
  const at = counterpart(block, index, arrays);
  if (!(at >= 0)) return { terms: [], all: true };
  const j = unravel(at, upstream.shape);
  const local = block.local === null ? 1 : valueAt(arrays[block.local], index);
  let value = valueAt(upstream, j);
  if (value === undefined) {
    if (local !== 1) return { terms: [], all: false };
    value = valueAt(arrays[block.result], index); // a copy of it
  }
  return { terms: [term(value, j, local)], all: true };
}

function spread(block, index, arrays) {
  const upstream = arrays[block.upstream];
  const target = flat(index, arrays[block.result].shape);
  const terms = [];
  for (const j of indices(upstream)) {
    if (counterpart(block, j, arrays) !== target) continue;
    const local = block.local === null ? 1 : valueAt(arrays[block.local], j);
    terms.push(term(valueAt(upstream, j), j, local));
  }
  // Along an axis without a stride all elements are added.
  const added = block.strides && size(upstream.shape.filter((_, a) => !block.strides[a]));
  return { terms, all: added ? terms.length >= added : isWhole(upstream) };
}

function pairs(block, index, arrays) {
  const upstream = arrays[block.upstream];
  const kept = arrays[block.kept];
  const axes = upstream.shape.map((n, a) => {
    const fixed = block.shared[a];
    return fixed < 0 ? range(n) : [index[fixed]];
  });
  const terms = [];
  let all = true;
  for (const j of combinations(axes)) {
    const at = [...index, ...j];
    const k = block.matrix.map((row, a) =>
      row.reduce((sum, factor, i) => sum + factor * at[i], block.offset[a]),
    );
    if (k.some((i, a) => i < 0 || i >= kept.shape[a])) continue;
    const local = valueAt(kept, k);
    const value = valueAt(upstream, j);
    if (local === undefined || value === undefined) all = false;
    else terms.push(term(value, j, local, block.name, k));
  }
  return { terms, all };
}

// ------------------------------------------------------------------ what the page has of an array

const isWhole = (array) => !array.axes || !array.axes.some(Boolean);

const range = (n) => Array.from({ length: n }, (_, i) => i);

// The indices along each axis that the page has.
const axesOf = (array) => array.shape.map((n, a) => array.axes?.[a] ?? range(n));

function* combinations(axes, from = 0) {
  if (from === axes.length) yield [];
  else
    for (const i of axes[from])
      for (const rest of combinations(axes, from + 1)) yield [i, ...rest];
}

const indices = (array) => combinations(axesOf(array));

// The index of the largest element that the page has.
function largest(array) {
  const { numbers, shape, axes } = elements(array);
  let best = 0;
  numbers.forEach((x, k) => {
    if (Math.abs(x) > Math.abs(numbers[best]) || Number.isNaN(x)) best = k;
  });
  return unravel(best, shape).map((at, axis) => axes[axis]?.[at] ?? at);
}

// ------------------------------------------------------------------ a table of terms

const small = (text) => (text ? element("small", { text }) : "");
const factor = (x, word) => [show(x, 6), small(word)];

// `found` as a table, which `grid` makes of words and rows. A sum without factors has two columns.
function table(found, dtype, grid) {
  const shown = found.terms.filter((each) => each.product !== 0);
  const plain = shown.every((each) => each.local === 1 && !each.origin);
  const row = plain ? (word, x) => [x, word] : (word, x) => [word, "", "", "", x];
  const rows = shown.slice(0, MOST).map((each) => {
    if (plain) return [show(each.upstream, 6), small(each.where)];
    const { upstream, where, local, origin } = each;
    return [factor(upstream, where), "×", factor(local, origin), "=", show(each.product)];
  });
  const more = (found.more ?? 0) + Math.max(0, shown.length - MOST);
  const sum = shown.reduce((total, each) => total + each.product, 0);
  const canceled = found.canceled ?? isCanceled(found.total, shown, dtype);
  if (more) rows.push(row(`and ${more} more`, "..."));
  if (!found.all) rows.push(row("not in this page", show(found.total - sum)));
  if (rows.length !== 1) rows.push(row("sum", canceled ? "0, canceled" : show(found.total)));
  const words = ["upstream", "times", "local", "equals", "product"];
  return grid(plain ? ["upstream", "at"] : words, rows);
}

function isCanceled(total, terms, dtype) {
  const epsilon = dtype === "float64" ? 2.2e-16 : 1.2e-7;
  const most = Math.max(0, ...terms.map((each) => Math.abs(each.product)));
  return terms.length > 1 && Math.abs(total) <= most * terms.length * epsilon;
}

// ------------------------------------------------------------------ the controls

// A part of the panel: an element is chosen by its indices, or by a click on its cell. `figures` are
// the arrays that are shown, by number.
export function chooser(block, arrays, figures, grid) {
  const result = arrays[block.result];
  if (size(result.shape) < 2) return block.rule === "single" ? null : only(block, arrays, grid);
  const listed = block.rule === "listed" ? block.terms : null;
  const figure = figures.get(block.result);
  const place = element("div", { "aria-live": "polite" });
  const group = element("div", { class: "choose", role: "group" });
  group.setAttribute("aria-label", "Element of the contribution");
  let index = [];
  const choose = (to) => {
    const known = listed?.find((each) => bracket(each.cell) === bracket(to));
    if ((listed && !known) || shownAt(result, to) < 0) return;
    index = to;
    const found = known ? fromList(known) : termsOf(block, index, arrays);
    fields.forEach((field, axis) => (field.value = String(index[axis])));
    if (select) select.value = bracket(index);
    place.replaceChildren(table(found, result.dtype, grid));
    const used = found.terms.filter((each) => each.product !== 0).slice(0, MOST);
    figures.get(block.upstream)?.mark(used.map((each) => each.j).filter(Boolean));
    figures.get(block.kept)?.mark(used.map((each) => each.k));
    figures.get(block.local)?.mark([index]);
    figure?.mark([index], listed?.map((each) => each.cell));
  };
  const select = listed ? selection(listed, choose) : null;
  const fields = select ? [] : result.shape.map((_, a) => input(result, a, choose, () => index));
  const indexed = ["[", ...fields.flatMap((field, axis) => (axis ? [", ", field] : [field])), "]"];
  group.append("Element ", ...(select ? [select] : indexed), " of the contribution");
  figure?.pick(choose);
  choose(listed ? listed[0].cell : largest(result));
  return element("div", { class: "element" }, group, place, element("p", { text: hint(listed) }));
}

function hint(listed) {
  return listed
    ? `Of ${listed.length} elements, marked by a dot, this page has the terms: click one of them, or choose it above.`
    : "Click any cell of the contribution, or change its indices, to see it as a sum.";
}

function only(block, arrays, grid) {
  const { shape, dtype } = arrays[block.result];
  const index = shape.map(() => 0);
  const found =
    block.rule === "listed" ? fromList(block.terms[0]) : termsOf(block, index, arrays);
  return element("div", { class: "element" }, table(found, dtype, grid));
}

function fromList({ terms, more, total, canceled }) {
  const named = terms.map(([upstream, where, local, origin, p]) => ({
    upstream: Number(upstream),
    where,
    local: Number(local),
    origin,
    product: Number(p),
  }));
  return { terms: named, more, total: Number(total), canceled, all: true };
}

function selection(listed, choose) {
  const select = element("select", { "aria-label": "element" });
  for (const { cell } of listed)
    select.append(element("option", { value: bracket(cell), text: bracket(cell) }));
  select.addEventListener("change", () =>
    choose(listed.find(({ cell }) => bracket(cell) === select.value).cell),
  );
  return select;
}

// A field for the index along an axis; of a sampled axis it goes on to the next one in the sample.
function input(array, axis, choose, current) {
  const n = array.shape[axis];
  const field = element("input", { type: "number", min: 0, max: n - 1, step: 1 });
  field.setAttribute("aria-label", `index along axis ${axis}, below ${n}`);
  field.addEventListener("change", () => {
    const index = [...current()];
    const wanted = Math.max(0, Math.min(n - 1, Math.round(Number(field.value)) || 0));
    index[axis] = nearest(array, axis, wanted, wanted >= index[axis]);
    choose(index);
  });
  return field;
}

function nearest(array, axis, wanted, up) {
  if (placeOf(array, axis, wanted) >= 0) return wanted;
  const known = array.axes[axis];
  return up ? known.find((i) => i >= wanted) : known.findLast((i) => i <= wanted);
}
