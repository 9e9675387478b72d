// Puts the parts together: data, layout worker, drawing, view, player, inspector and controls.
import { element, inflate, show, unpack } from "arrays";
import { legend, sizes } from "coloring";
import { Drawing, split } from "draw";
import { Inspector } from "inspector";
import { Player } from "player";
import { search } from "search";
import { View } from "view";

const $ = (id) => document.getElementById(id);
const data = JSON.parse($("data").textContent);
const folded = data.frames.map((frame) => frame.folded);
const state = { chosen: null, gradients: new Map(), done: 0 };

const drawing = new Drawing($("graph"), $("world"), data, { choose, toggle });
const view = new View($("graph"), $("world"), $("minimap"));
const player = new Player(data, moved, moduleOf);
const inspector = new Inspector(
  data,
  { status: $("status"), stepPlace: $("step"), chosenPlace: $("chosen") },
  { choose, toggle },
);
view.onmove = (part, zoom) => drawing.culling?.show(part, zoom);
drawing.onfocus = (key) => (view.reveal(drawing.position(key)), view.show());

// ------------------------------------------------------------------ layout, in a worker

const dagre = new TextDecoder().decode(await inflate($("dagre").textContent));

const layout = (() => {
  const source = `${dagre}\n${$("worker").textContent}`;
  let ticket = 0;
  const waiting = new Map();
  let worker = null;
  try {
    worker = new Worker(URL.createObjectURL(new Blob([source], { type: "text/javascript" })));
    worker.onmessage = ({ data: done }) => {
      waiting.get(done.ticket)?.(done.result);
      waiting.delete(done.ticket);
      document.body.dataset.layout = done.milliseconds.toFixed(0);
    };
  } catch {
    document.head.append(element("script", { text: source })); // where workers are forbidden
  }
  return (graph) =>
    worker
      ? new Promise((done) => (waiting.set(++ticket, done), worker.postMessage({ ticket, graph })))
      : Promise.resolve(globalThis.layoutGraph(graph));
})();

let latest = 0;
async function relayout() {
  const mine = ++latest;
  const result = await layout(drawing.graph([...folded]));
  if (mine !== latest) return;
  drawing.render(result, [...folded]);
  document.body.dataset.boxes = result.boxes.filter(Boolean).length;
  view.content(result);
  refresh();
  recolor();
}

async function toggle(f, on = !folded[f]) {
  if (f === 0) return;
  folded[f] = on;
  await relayout();
  const key = "frame " + f;
  view.reveal(drawing.position(key) || { x: 0, y: 0 }, false);
  drawing.focus(key);
  if (state.chosen === key) choose("frame", f);
}

async function foldAll(on) {
  data.frames.forEach((frame, f) => (folded[f] = on && f > 0));
  await relayout();
  view.fit();
}

// Unfold what hides a box.
async function uncover(b) {
  let changed = false;
  for (let f = data.boxes[b].frame; f > 0; f = data.frames[f].outer)
    if (folded[f]) {
      folded[f] = false;
      changed = true;
    }
  if (changed) await relayout();
}

// ------------------------------------------------------------------ choosing

function choose(kind, i) {
  const key = `${kind} ${i}`;
  if (state.chosen) drawing.mark(state.chosen, "chosen", false);
  state.chosen = key;
  drawing.mark(kind === "box" ? drawing.shown("box", i) : key, "chosen", true);
  state.marked = kind === "box" ? drawing.shown("box", i) : key;
  describe();
  const place = drawing.position(state.marked);
  if (place) view.reveal(place, false);
}

function describe() {
  if (!state.chosen) return;
  const [kind, i] = split(state.chosen);
  if (kind === "frame") return inspector.showFrame(i, folded[i], inside(i));
  const arrived = state.gradients.get(i);
  const finished = !data.backward || player.position === player.last;
  const number = arrived ? arrived.total : finished ? data.boxes[i].gradient : null;
  inspector.showBox(i, number, finished || (arrived && arrived.turn === arrived.count));
}

function inside(f) {
  const found = [];
  data.boxes.forEach((box, b) => {
    for (let g = box.frame; g > 0; g = data.frames[g].outer) if (g === f) return found.push(b);
  });
  return found;
}

// ------------------------------------------------------------------ steps

// Apply or undo the steps between the last position and this one; only they touch the drawing.
function moved(position) {
  $("play").textContent = player.playing ? "❚❚ Pause" : "▶ Play";
  const forward = position >= state.done;
  while (state.done !== position) {
    const i = forward ? state.done++ : --state.done;
    apply(data.steps[i], i, forward);
  }
  current(player.step);
  $("position").value = position;
  $("position").setAttribute(
    "aria-valuetext",
    player.step
      ? `step ${position} of ${player.last}: ${player.step.say}`
      : `start, of ${player.last} steps`,
  );
  $("back").disabled = $("start").disabled = position === 0;
  $("forward").disabled = $("end").disabled = position === player.last;
  phase(position);
  inspector.showStep(player.step);
  const [kind, f] = player.step ? split(moduleOf(player.step.box)) : [];
  if (player.stride === "module" && kind === "frame" && folded[f]) {
    inspector.showModule(f, player.step);
    inspector.showFrame(f, true, inside(f));
  } else describe();
  try {
    history.replaceState(
      null,
      "",
      position ? `#step=${position}` : location.pathname + location.search,
    );
  } catch {
    /* a page inside a notebook has no address */
  }
}

// What one stride over modules passes: a folded module, or else the outer two levels of them.
function moduleOf(b) {
  const shown = drawing.shown("box", b),
    { module } = data.boxes[b];
  return shown.startsWith("frame") || !module ? shown : `frame ${module}`;
}

function phase(position) {
  const forward = data.forward,
    passed = position <= forward;
  const [name, at, of] = passed
    ? ["forward pass", position, forward]
    : ["backward pass", position - forward, player.last - forward];
  $("phase").textContent = player.last
    ? `${name}, step ${at} of ${of}`
    : "no steps: nothing was observed";
}

function apply(step, i, on) {
  if (step.kind === "forward") {
    drawing.mark("box " + step.box, "pending", !on);
    return;
  }
  const target = step.kind === "seed" ? step.box : step.target;
  if (on) state.gradients.set(target, step);
  else {
    const before =
      step.kind === "seed" ? null : step.previous === null ? null : data.steps[step.previous];
    if (before) state.gradients.set(target, before);
    else state.gradients.delete(target);
  }
  fill(target, on);
  if (step.kind === "contribution" && step.arrow !== null) {
    const key = drawing.shown("arrow", step.arrow);
    const count = (state.traveled.get(key) || 0) + (on ? 1 : -1);
    state.traveled.set(key, count);
    drawing.mark(key, "traveled", count > 0);
  }
}

function fill(b, on) {
  const step = state.gradients.get(b),
    key = drawing.shown("box", b),
    [kind, f] = split(key);
  if (kind === "frame")
    return drawing.gradient(key, on || inside(f).some((each) => state.gradients.has(each)) ? 1 : 0);
  const array = step && step.total !== null ? data.arrays[step.total] : null;
  const number = array && (array.values?.[0] ?? array.constant);
  drawing.gradient(key, step ? step.turn / step.count : 0, array ? `gradient ${show(number)}` : "");
}

function current(step) {
  for (const [key, name] of state.current || []) drawing.mark(key, name, false);
  state.current = [];
  if (!step) return;
  const mark = (key, name) => (state.current.push([key, name]), drawing.mark(key, name, true));
  mark(drawing.shown("box", step.box), "now");
  if (step.kind === "contribution") {
    const target = drawing.shown("box", step.target);
    if (target !== drawing.shown("box", step.box)) mark(target, "target");
    if (step.arrow !== null) mark(drawing.shown("arrow", step.arrow), "now");
  }
  const place = drawing.position(drawing.shown("box", step.box));
  if (place) view.reveal(place, false);
}

// All marks anew, after another layout.
function refresh() {
  drawing.forget();
  const done = state.done;
  Object.assign(state, { done: 0, current: [], traveled: new Map(), gradients: new Map() });
  data.steps.forEach(
    (step) => step.kind === "forward" && drawing.mark("box " + step.box, "pending", true),
  );
  for (; state.done < done; state.done++) apply(data.steps[state.done], state.done, true);
  current(player.step);
  if (state.chosen) {
    const [kind, i] = split(state.chosen);
    drawing.mark(kind === "box" ? drawing.shown("box", i) : state.chosen, "chosen", true);
  }
}

// ------------------------------------------------------------------ color by size of gradient

function recolor() {
  const { levels, range } = $("coloring").value === "gradient" ? sizes(data, drawing) : {};
  drawing.color(levels || null);
  $("legend").replaceChildren(...legend(data, range));
}

// ------------------------------------------------------------------ controls

const on = (id, event, action) => $(id).addEventListener(event, action);
const step = (direction) => (player.pause(), player.move(direction));
const go = (position) => (player.pause(), player.go(position));
const playPause = () => (player.playing ? player.pause() : player.play());
on("start", "click", () => go(0));
on("back", "click", () => step(-1));
on("play", "click", playPause);
on("forward", "click", () => step(1));
on("end", "click", () => go(player.last));
on("position", "input", (event) => go(Number(event.target.value)));
on("stride", "change", (event) => (player.stride = event.target.value));
on("speed", "change", (event) => (player.delay = Number(event.target.value)));
on("plumbing", "change", (event) => (player.skips = event.target.checked));
on("closer", "click", () => view.scale(1.3));
on("farther", "click", () => view.scale(1 / 1.3));
on("fit", "click", () => view.fit());
on("fold-all", "click", () => foldAll(true));
on("unfold-all", "click", () => foldAll(false));
on("coloring", "change", recolor);
on("theme", "change", (event) => {
  document.documentElement.style.colorScheme = event.target.value;
  document.documentElement.dataset.theme = event.target.value;
  inspector.showStep(player.step);
  describe();
});
search($("search"), $("matches"), data, async (b) => {
  await uncover(b);
  choose("box", b);
  view.reveal(drawing.result.boxes[b]);
});

const KEYS = {
  ArrowLeft: () => step(-1),
  ArrowRight: () => step(1),
  Home: () => go(0),
  End: () => go(player.last),
  " ": playPause,
  "+": () => view.scale(1.3),
  "=": () => view.scale(1.3),
  "-": () => view.scale(1 / 1.3),
  f: () => view.fit(),
  "/": () => $("search").focus(),
};
document.addEventListener("keydown", (event) => {
  const typing = event.target.closest?.("input, select, textarea, #inspector");
  const pressing = event.target.closest?.("button, summary") && event.key === " ";
  if (typing || pressing || event.ctrlKey || event.metaKey || event.altKey || !KEYS[event.key])
    return;
  event.preventDefault();
  KEYS[event.key]();
});

addEventListener("beforeprint", () => view.fit());
addEventListener("hashchange", () => go(fromAddress() ?? player.position));

function fromAddress() {
  const match = /#step=(\d+)/.exec(location.hash);
  return match ? Number(match[1]) : null;
}

async function begin() {
  await unpack($("numbers").textContent);
  $("position").max = player.last;
  $("stride").value = player.stride;
  if (data.backward) $("coloring").value = data.coloring;
  const stepping = [
    ...document.querySelectorAll("#stepping button, #pace select, #pace input, #position"),
  ];
  if (!player.last) stepping.forEach((each) => (each.disabled = true));
  if (data.frames.length < 2) $("fold-all").disabled = $("unfold-all").disabled = true;
  if (!data.backward) $("coloring").disabled = true;
  state.traveled = new Map();
  await relayout();
  view.open();
  const asked = fromAddress();
  if (player.last) player.go(asked ?? 0);
  else phase(0);
  if (!player.last) $("status").textContent = "Click a box to see what it computes.";
  document.body.dataset.ready = "true";
}

begin();
