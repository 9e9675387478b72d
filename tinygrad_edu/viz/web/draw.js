// The graph as SVG: frames, arrows and boxes, in the places that the layout gave them. What changes
// from step to step are classes of single elements.
import { svg } from "arrays";
import { Culling } from "culling";

const TITLE = 18,
  LINE = 15,
  MARGIN = 9;
const pen = document.createElement("canvas").getContext("2d");
const widths = new Map();

function width(text, font) {
  const key = font + text;
  if (!widths.has(key)) {
    pen.font = font;
    widths.set(key, pen.measureText(text).width);
  }
  return widths.get(key);
}

function size(title, lines) {
  const face = '"DejaVu Sans", system-ui, sans-serif';
  const w = Math.max(
    width(title, `650 14px ${face}`),
    ...lines.map((line) => width(line, `12px ${face}`)),
  );
  return [Math.ceil(w) + 26, MARGIN * 2 + TITLE + LINE * lines.length - 2];
}

export class Drawing {
  // `choose(kind, number)` is called when somebody activates a box or a frame, `toggle(frame)` when
  // its sign is clicked.
  constructor(root, world, data, { choose, toggle }) {
    Object.assign(this, { root, world, data, choose, toggle });
    this.boxSizes = data.boxes.map((box) => size(box.title, this.lines(box)));
    this.frameSizes = data.frames.map((frame) => size(frame.name, [...frame.lines, "+ unfold"]));
    this.marks = new Map(); // "box 3" -> classes, to be put on again after a new layout
    root.prepend(markers());
    root.addEventListener("keydown", (event) => this.key(event));
    root.addEventListener("focusin", (event) => this.focused(event.target));
  }

  // A box with a single number has a line in which its gradient will appear.
  lines(box) {
    const array = box.gradient === null ? null : this.data.arrays[box.gradient];
    return array && array.shape.every((n) => n === 1)
      ? [...box.lines, "gradient −0.0000"]
      : box.lines;
  }

  graph(folded) {
    const { frames, boxes, arrows } = this.data,
      screen = this.root.getBoundingClientRect();
    return {
      frames: frames.map(({ outer }) => ({ outer })),
      frameSizes: this.frameSizes,
      titles: frames.map(({ name }) => width(name + "  − fold", "600 13px sans-serif") + 24),
      boxes: boxes.map(({ frame }, b) => ({
        frame,
        w: this.boxSizes[b][0],
        h: this.boxSizes[b][1],
      })),
      arrows: arrows.map(({ tail, head }) => ({ tail, head })),
      screen: [screen.width || 1, screen.height || 1],
      folded,
    };
  }

  render(result, folded) {
    this.result = result;
    this.folded = folded;
    const layers = [svg("g"), svg("g"), svg("g")];
    this.elements = new Map();
    result.frames.forEach((at, f) => at && f && this.frame(f, at, layers));
    result.arrows.forEach((arrow, i) => arrow?.points && this.arrow(i, arrow.points, layers[1]));
    result.boxes.forEach((at, b) => at && this.box(b, at, layers[2]));
    this.world.replaceChildren(...layers);
    this.culling = new Culling(result, this.elements, this.world);
    for (const [key, classes] of this.marks) this.elements.get(key)?.classList.add(...classes);
    this.visible = [...this.elements].filter(([, each]) => each.getAttribute("role") === "button");
    const first = this.elements.get(this.current) || this.visible[0]?.[1];
    first?.setAttribute("tabindex", "0");
  }

  frame(f, at, layers) {
    const frame = this.data.frames[f],
      folded = this.folded[f],
      key = "frame " + f;
    const label = `module ${frame.path}, ${frame.lines.join(", ")}, ${folded ? "folded" : "unfolded"}`;
    const shape = { x: -at.w / 2, y: -at.h / 2, width: at.w, height: at.h, rx: 8 };
    const group = svg("g", {
      transform: `translate(${at.x} ${at.y})`,
      class: folded ? "box module" : "frame",
      "data-key": key,
    });
    group.append(svg("rect", { class: "body", ...shape }));
    if (folded) {
      group.append(...texts(frame.name, [...frame.lines, "+ unfold"]), ring(at.w, at.h));
      group.addEventListener("dblclick", () => this.toggle(f));
      group.lastElementChild.previousElementSibling.style.pointerEvents = "auto";
      group.lastElementChild.previousElementSibling.addEventListener(
        "click",
        (event) => (event.stopPropagation(), this.toggle(f)),
      );
      this.button(group, key, label, { "aria-expanded": "false" });
      this.gradientBar(group, at.w, at.h);
      layers[2].append(group);
      this.elements.set(key, group);
      return;
    }
    const tab = svg("g", { class: "tab" });
    const w = width(frame.name + "  − fold", "600 13px sans-serif") + 22;
    tab.append(
      svg("rect", { x: -at.w / 2, y: -at.h / 2, width: w, height: 22, fill: "transparent" }),
    );
    const text = svg("text", { x: -at.w / 2 + 9, y: -at.h / 2 + 16 });
    text.append(frame.name, svg("tspan", { class: "fold", dx: 7 }));
    text.lastChild.textContent = "− fold";
    tab.append(
      text,
      svg("rect", { class: "ring", x: -at.w / 2, y: -at.h / 2, width: w, height: 22, rx: 5 }),
    );
    tab.addEventListener("click", (event) => (event.stopPropagation(), this.toggle(f)));
    this.button(tab, key, label, { "aria-expanded": "true" }, false);
    group.append(tab);
    layers[0].append(group);
    this.elements.set(key, tab);
    this.elements.set("around " + f, group);
  }

  box(b, at, layer) {
    const box = this.data.boxes[b],
      [w, h] = this.boxSizes[b],
      key = "box " + b;
    const group = svg("g", {
      transform: `translate(${at.x} ${at.y})`,
      class: "box " + box.kind,
      "data-key": key,
    });
    const round = ["operation", "output", "failed"].includes(box.kind) ? 8 : 0;
    group.append(
      svg("rect", { class: "body", x: -w / 2, y: -h / 2, width: w, height: h, rx: round }),
      ...texts(box.title, this.lines(box)),
      ring(w, h),
    );
    if (this.lines(box) !== box.lines) {
      const last = [...group.querySelectorAll("text")].at(-1);
      last.classList.add("arrived");
      last.textContent = "";
    }
    this.gradientBar(group, w, h);
    this.button(group, key, [box.kind, box.title, ...box.lines].join(", "));
    layer.append(group);
    this.elements.set(key, group);
  }

  gradientBar(group, w, h) {
    group.append(
      svg("rect", {
        class: "gradient",
        x: -w / 2 + 5,
        y: h / 2 - 6,
        width: 0,
        height: 4,
        "data-full": w - 10,
      }),
    );
  }

  button(group, key, label, more = {}, chooses = true) {
    const attributes = { role: "button", tabindex: "-1", "aria-label": label, ...more };
    for (const [name, value] of Object.entries(attributes)) group.setAttribute(name, value);
    group.dataset.key = key;
    if (chooses) group.addEventListener("click", () => this.choose(...split(key)));
  }

  arrow(i, points, layer) {
    const line = svg("path", { d: curve(points), class: "arrow" });
    layer.append(line);
    this.elements.set("arrow " + i, line);
  }

  // ---------------------------------------------------------------- what a step changes

  // The element that stands for a box or an arrow now: a folded module around it, perhaps.
  shown(kind, i) {
    if (kind === "arrow") {
      const same = this.result.arrows[i]?.same;
      return "arrow " + (same ?? i);
    }
    let f = this.data.boxes[i].frame,
      found = this.result.boxes[i] ? null : f;
    for (; f > 0; f = this.data.frames[f].outer) if (this.folded[f]) found = f;
    return found === null ? "box " + i : "frame " + found;
  }

  mark(key, name, on) {
    let classes = this.marks.get(key);
    if (!classes) this.marks.set(key, (classes = new Set()));
    if (classes.has(name) === on) return;
    if (on) classes.add(name);
    else classes.delete(name);
    this.elements?.get(key)?.classList.toggle(name, on);
  }

  forget() {
    this.marks.clear();
    for (const each of this.elements?.values() || []) {
      each.classList.remove("now", "target", "traveled", "pending", "chosen");
      each.querySelector(":scope > .gradient")?.setAttribute("width", 0);
      const text = each.querySelector(":scope > .arrived");
      if (text) text.textContent = "";
    }
  }

  // How much of its gradient has arrived at a box, and the number if it is a single one.
  gradient(key, share, text) {
    const bar = this.elements.get(key)?.querySelector(":scope > .gradient");
    bar?.setAttribute("width", share * Number(bar.dataset.full));
    const place = this.elements.get(key)?.querySelector(":scope > .arrived");
    if (place) place.textContent = share ? text : "";
  }

  color(levels) {
    this.root.classList.toggle("coloring", Boolean(levels));
    for (const [key, each] of this.elements) {
      const level = levels?.get(key);
      if (level === undefined) delete each.dataset.level;
      else {
        each.dataset.level = level.toFixed(2);
        each.style.setProperty(
          "--level",
          `color-mix(in oklab, var(--traveled) ${Math.round(6 + 62 * level)}%, var(--paper))`,
        );
      }
    }
  }

  // ---------------------------------------------------------------- keyboard

  focused(target) {
    const key = target.dataset?.key;
    if (!key) return;
    this.elements.get(this.current)?.setAttribute("tabindex", "-1");
    this.visible[0]?.[1].setAttribute("tabindex", "-1");
    target.setAttribute("tabindex", "0");
    this.current = key;
  }

  focus(key) {
    const target = this.elements.get(key);
    if (!target) return;
    this.onfocus?.(key); // which brings it into sight
    target.focus({ preventScroll: true });
  }

  key(event) {
    const key = event.target.dataset?.key;
    if (!key || event.ctrlKey || event.metaKey || event.altKey) return;
    const [kind, i] = split(key);
    if (event.key === "Enter") {
      if (kind === "frame" && !this.folded[i]) this.toggle(i);
      else this.choose(kind, i);
    } else if (event.key === "u" || event.key === "U")
      this.toggle(kind === "frame" ? i : this.data.boxes[i].frame);
    else if (event.key.startsWith("Arrow")) this.walk(key, event.key);
    else return;
    event.preventDefault();
    event.stopPropagation();
  }

  // Along an arrow in the direction of the graph, otherwise to the nearest box beside it.
  walk(key, direction) {
    const across = this.result.direction === "LR",
      from = this.position(key);
    const down = direction === (across ? "ArrowRight" : "ArrowDown"),
      up = direction === (across ? "ArrowLeft" : "ArrowUp");
    const found = new Set();
    if (down || up) {
      this.data.arrows.forEach((arrow) => {
        const tail = this.shown("box", arrow.tail),
          head = this.shown("box", arrow.head);
        if (tail !== head && (down ? tail : head) === key) found.add(down ? head : tail);
      });
    }
    const others = found.size
      ? [...found]
      : this.visible.map(([each]) => each).filter((each) => each !== key);
    let best = null,
      least = Infinity;
    for (const each of others) {
      const to = this.position(each),
        dx = to.x - from.x,
        dy = to.y - from.y;
      const along = { ArrowDown: dy, ArrowUp: -dy, ArrowRight: dx, ArrowLeft: -dx }[direction];
      const aside = Math.abs(direction === "ArrowDown" || direction === "ArrowUp" ? dx : dy);
      const distance = found.size ? aside : along + 3 * aside;
      if ((found.size || along > aside) && distance < least) {
        best = each;
        least = distance;
      }
    }
    if (best) this.focus(best);
  }

  position(key) {
    const [kind, i] = split(key);
    return kind === "box" ? this.result.boxes[i] : this.result.frames[i];
  }
}

export function split(key) {
  const [kind, i] = key.split(" ");
  return [kind, Number(i)];
}

function texts(title, lines) {
  const top = -(TITLE + LINE * lines.length) / 2 + 13;
  return [title, ...lines].map((line, i) => {
    const text = svg("text", {
      y: top + (i ? TITLE - 4 + LINE * i - LINE + 5 : 0),
      class: i ? "" : "title",
    });
    text.textContent = line;
    return text;
  });
}

const ring = (w, h) =>
  svg("rect", {
    class: "ring",
    x: -w / 2 - 4,
    y: -h / 2 - 4,
    width: w + 8,
    height: h + 8,
    rx: 10,
  });

// Through the first and the last point, and near those between.
function curve(points) {
  const kept = points.filter(
    ([x, y], i) => !i || Math.hypot(x - points[i - 1][0], y - points[i - 1][1]) > 2,
  );
  let path = `M${kept[0].map(Math.round).join(" ")}`;
  for (let i = 1; i < kept.length - 1; i++) {
    const [x, y] = kept[i],
      [u, v] =
        i === kept.length - 2 ? kept[i + 1] : [(x + kept[i + 1][0]) / 2, (y + kept[i + 1][1]) / 2];
    path += `Q${Math.round(x)} ${Math.round(y)} ${Math.round(u)} ${Math.round(v)}`;
  }
  if (kept.length === 2) path += `L${kept[1].map(Math.round).join(" ")}`;
  return path;
}

function markers() {
  const marker = (id, color) =>
    svg(
      "marker",
      {
        id,
        viewBox: "0 0 8 8",
        refX: 7,
        refY: 4,
        markerWidth: 9,
        markerHeight: 9,
        markerUnits: "userSpaceOnUse",
        orient: "auto-start-reverse",
      },
      svg("path", { d: "M0 0L8 4L0 8z", style: `fill: var(${color})` }),
    );
  return svg(
    "defs",
    {},
    marker("head", "--line"),
    marker("head-traveled", "--traveled"),
    marker("head-now", "--now-line"),
  );
}
