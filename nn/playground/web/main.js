// The page: one session, drawn again after each command; training is a loop of commands.

import { ask } from "./api.js";
import { Chart } from "./chart.js";
import { Controls } from "./controls.js";
import { classColor, css, digits, element, mark, onScheme } from "./draw.js";
import { Network } from "./network.js";
import { neuronPanel } from "./neuron.js";
import { Plane } from "./plane.js";
import { Steps } from "./steps.js";

const find = (id) => document.getElementById(id);
const MOST_BYTES = 1_900_000; // of a file
const REFRESH = 250; // milliseconds between two looks at a unit while training

let state = null; // what is shown
let latest = null; // the newest that the server sent
let changes = 0; // commands that change the state, ever
let frame = null;
let training = false;
let adding = 0; // the class of a point that is clicked
let unit = null; // the chosen one, {layer, unit}
let looked = 0;

const plane = new Plane(find("canvas"), { hover, add, choose });
const network = new Network(find("columns"), find("edges"), (layer, u) => look({ layer, unit: u }));
const chart = new Chart(find("chart"));
const steps = new Steps(find("inspector"), (l) => network.mark(l), () => oneStep());
const controls = new Controls(find("settings"), find("lr"), {
  configure: (settings) => change("configure", { settings }),
  rate: (lr) => attempt(() => ask("rate", { lr })),
  file: openFile,
});

// -------------------------------------------------------------------- commands

function say(text, wrong = false) {
  find("message").textContent = text;
  find("message").classList.toggle("wrong", wrong);
}

/** Do something; if it fails, say why and pause. */
async function attempt(act) {
  try {
    const result = await act();
    say("");
    return result;
  } catch (error) {
    pause();
    say(error.message, true);
    if (state) controls.set(state, true);
    return null;
  }
}

/** A command whose result is the whole state; it is not shown while a later one is on its way. */
async function change(command, values = {}) {
  const mine = ++changes;
  const result = await attempt(() => ask(command, values));
  latest = result ?? latest;
  if (mine === changes && latest !== state) enter(latest);
  return result;
}

function enter(result) {
  state = result;
  adding = Math.min(adding, Math.max(0, addable() - 1));
  plane.chosen = null;
  plane.set(state);
  network.set(state);
  chart.set(state.history);
  controls.set(state);
  legend();
  unit = null;
  find("inspector").replaceChildren();
  network.mark(-1);
  show(state.frame);
}

function show(next) {
  frame = next;
  plane.show(frame);
  network.show(frame);
  if (frame !== state.frame) chart.add(frame);
  const epoch = state.points.training ? (frame.step * Math.min(state.settings.batch_size, state.points.training)) / state.points.training : 0;
  find("counts").textContent = `step ${frame.step}, epoch ${epoch.toFixed(1)}`;
  losses();
}

function losses() {
  const row = (name, kind) => {
    const share = frame.losses[`${name} accuracy`];
    const right = share === undefined ? "" : `, ${digits(100 * share, 3)} % right`;
    const line = element("i", { className: `line ${kind}` });
    return element("div", {}, element("span", {}, line, `${name} loss ${digits(frame.losses[name])}${right}`));
  };
  const rows = [];
  if ("training" in frame.losses) rows.push(row("training", "positive"));
  if ("test" in frame.losses) rows.push(row("test", "test"));
  find("losses").replaceChildren(...rows);
}

// -------------------------------------------------------------------- training

async function play() {
  if (training) return pause();
  training = true;
  find("play").textContent = "❚❚ Pause";
  network.mark(-1);
  if (!unit) find("inspector").replaceChildren();
  while (training) {
    const asked = state;
    const next = await attempt(() => ask("train", { steps: Number(find("speed").value) }));
    if (next && asked === latest) show(next);
    if (training && unit && performance.now() - looked > REFRESH) await refresh();
    await new Promise(requestAnimationFrame);
  }
}

function pause() {
  training = false;
  find("play").textContent = "▶ Train";
}

async function oneStep() {
  pause();
  const result = await attempt(() => ask("step"));
  if (!result) return;
  unit = null;
  network.press(-1, -1);
  show(result.frame);
  steps.show(result.numbers);
}

// -------------------------------------------------------------------- looking closer

async function look(chosen) {
  unit = chosen;
  network.press(chosen.layer, chosen.unit);
  network.mark(-1);
  plane.chosen ??= 0;
  plane.draw();
  await refresh();
}

/** Show the chosen unit again; not while somebody types there, unless `now`. */
async function refresh(now = false) {
  looked = performance.now();
  const panel = find("inspector");
  const typing = () => (panel.contains(document.activeElement) && document.activeElement.matches("input") ? document.activeElement : null);
  if (!unit || (typing() && !now)) return;
  const index = plane.chosen ?? 0;
  const point = state.points.x[index] ?? [0, 0];
  const where = state.points.x.length ? { index } : { point };
  const found = await attempt(() => ask("neuron", { ...unit, ...where }));
  if (!found || !unit || (typing() && !now)) return;
  const label = typing()?.getAttribute("aria-label");
  panel.replaceChildren(...neuronPanel(found, point, setWeight));
  if (label) [...panel.querySelectorAll("input")].find((each) => each.getAttribute("aria-label") === label)?.focus();
}

async function setWeight(path, index, value) {
  const next = await attempt(() => ask("weight", { path, index, value }));
  if (next) show(next);
  await refresh(true);
}

let probing = false;
let wanted = null;

/** What stands under the pointer: prediction and loss. One question at a time. */
async function hover(place) {
  wanted = place;
  find("tip").hidden = !place;
  if (probing || !place) return;
  probing = true;
  while (wanted) {
    const { point, index, at } = wanted;
    wanted = null;
    try {
      const found = await ask("probe", index === null ? { point } : { index });
      tip(found, point, at, index);
    } catch {
      break;
    }
  }
  probing = false;
}

function tip(found, point, [x, y], index) {
  const { classes, points, curve } = state;
  const place = index === null ? point : points.x[index];
  const lines = [`at (${place.map((value) => digits(value, 3)).join(", ")})`];
  if (index !== null) {
    const kind = index < points.training ? "training" : "test";
    const target = points.target[index];
    lines.push(`${kind} point: ${classes.length ? classes[target] : digits(target)}`);
  }
  if (index !== null || curve) lines.push(`loss here ${digits(found.losses[0])}`);
  if (!classes.length) lines.push(`predicted ${digits(found.predicted[0])}`);
  else {
    found.predicted.slice(0, 5).forEach((p, i) => {
      const loss = index === null ? `, loss if so ${digits(found.losses[i], 3)}` : "";
      lines.push(`${classes[i]}: ${(100 * p).toFixed(1)} % likely${loss}`);
    });
  }
  const box = find("tip");
  box.textContent = lines.join("\n");
  const side = find("canvas").clientWidth;
  box.style.left = `${x > side / 2 ? Math.max(0, x - 14 - box.offsetWidth) : x + 14}px`;
  box.style.top = `${Math.min(y + 10, side - box.offsetHeight)}px`;
}

async function choose(index) {
  plane.chosen = index;
  plane.draw();
  if (unit) await refresh();
  else say("Now press a unit of the network to see its arithmetic at this point.");
}

function add(point) {
  const target = state.classes.length ? adding : state.curve ? point[1] : find("number").valueAsNumber;
  return change("add", { point, target });
}

// -------------------------------------------------------------------- data

async function openFile(file) {
  if (file.size > MOST_BYTES) {
    return say(`${file.name} has ${file.size.toLocaleString()} bytes, and the playground takes ${MOST_BYTES.toLocaleString()}.`, true);
  }
  pause();
  const result = await change("csv", { name: file.name, text: await file.text() });
  if (result) say(`${file.name}: ${state.points.x.length} points, ${state.inputs.length} inputs.`);
}

/** How many classes a clicked point can have: one's own points may begin a new one. */
function addable() {
  const { classes, settings } = state;
  return settings.data === "points" ? Math.min(5, classes.length + 1) : classes.length;
}

function legend() {
  const { classes, inputs, settings, targets, curve } = state;
  const names = Array.from({ length: addable() }, (_, i) => classes[i] ?? `${i}`);
  const up = curve ? "the number to predict" : inputs[settings.axes[1]];
  find("axes").textContent = `Across: ${inputs[curve ? 0 : settings.axes[0]]}; up: ${up}. Filled points train, hollow ones test.`;
  find("loss-name").textContent = state.loss;
  const items = classes.map((name, i) => element("li", {}, swatch(i, classes.length), name));
  const range = curve
    ? "The curve runs where blue meets orange."
    : `orange ${digits(targets[0], 3)} to blue ${digits(targets[1], 3)}`;
  if (!classes.length) items.push(element("li", {}, range));
  find("classes").replaceChildren(...items);
  find("class-buttons").replaceChildren(...names.map((name, i) => {
    const button = element("button", { type: "button", title: name }, name);
    button.setAttribute("aria-pressed", String(i === adding));
    button.addEventListener("click", () => {
      adding = i;
      legend();
      find("class-buttons").children[i].focus();
    });
    return button;
  }));
  find("value").hidden = classes.length > 0 || curve;
  find("undo").disabled = !settings.added;
  const kind = classes.length ? `${classes.length} classes` : "a number";
  find("canvas").setAttribute("aria-label", `The plane of two inputs, ${state.points.x.length} points, ${kind}`);
}

function swatch(i, count) {
  const canvas = element("canvas", { width: 32, height: 32, "aria-hidden": "true" });
  const style = getComputedStyle(document.body);
  mark(canvas.getContext("2d"), 16, 16, 10, i, css(classColor(i, count)), false, style.color, style.backgroundColor);
  return canvas;
}

// -------------------------------------------------------------------- the script

async function showScript() {
  const found = await attempt(() => ask("script"));
  if (!found) return;
  find("script").querySelector("pre").textContent = found.code;
  find("script").showModal();
}

async function saveScript() {
  const found = await attempt(() => ask("script"));
  if (!found) return;
  const link = element("a", { download: "playground.py" });
  link.href = URL.createObjectURL(new Blob([found.code], { type: "text/x-python" }));
  link.click();
  URL.revokeObjectURL(link.href);
}

async function copyScript() {
  await navigator.clipboard.writeText(find("script").querySelector("pre").textContent);
  find("copy").textContent = "Copied";
  setTimeout(() => (find("copy").textContent = "Copy"), 1500);
}

// -------------------------------------------------------------------- the beginning

const BUTTONS = {
  play, one: oneStep, undo: () => change("undo"), show: showScript, save: saveScript, copy: copyScript,
  reset: () => change("reset"), close: () => find("script").close(),
};
for (const [id, act] of Object.entries(BUTTONS)) find(id).addEventListener("click", act);

addEventListener("keydown", (event) => {
  const busy = event.target.closest("input, select, textarea, button, summary, dialog");
  if (busy || event.ctrlKey || event.metaKey || event.altKey) return;
  const act = { " ": play, s: oneStep, r: BUTTONS.reset }[event.key.toLowerCase()];
  if (act) {
    event.preventDefault();
    act();
  }
});
addEventListener("resize", () => plane.draw());
onScheme(find("theme"), () => {
  if (!state) return;
  legend();
  plane.show(frame);
  network.show(frame);
});

await change("state");
document.body.dataset.ready = "yes";
