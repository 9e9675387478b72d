// The form of settings: filled from the session's state, and read when something changes.

import { element } from "./draw.js";

const WHOLE = ["points", "batch_size", "seed"];
const REAL = ["noise", "test_share", "weight_decay"];
const CHOICES = ["data", "activation", "init", "optimizer", "network"];
const RATES = [0.0001, 0.001, 0.003, 0.01, 0.03, 0.1, 0.3, 1, 3];

export class Controls {
  /** `on` has configure(changes), rate(lr) and file(file). */
  constructor(form, rate, on) {
    this.form = form;
    this.rate = rate;
    this.on = on;
    form.addEventListener("submit", (e) => e.preventDefault());
    form.addEventListener("change", (e) => this.changed(e.target));
    rate.addEventListener("change", () => on.rate(Number(rate.value)));
    addEventListener("dragover", (e) => {
      e.preventDefault();
      document.body.classList.add("dropping");
    });
    addEventListener("dragleave", () => document.body.classList.remove("dropping"));
    addEventListener("drop", (e) => {
      e.preventDefault();
      document.body.classList.remove("dropping");
      if (e.dataTransfer.files.length) on.file(e.dataTransfer.files[0]);
    });
  }

  field(name) {
    return this.form.elements.namedItem(name);
  }

  /** Show a state; a number that is being typed is left alone, unless it was `refused`. */
  set(state, refused = false) {
    const { settings, choices, inputs } = state;
    this.settings = settings;
    this.refused = refused;
    for (const name of CHOICES) {
      const given = choices[name];
      const pairs = Array.isArray(given) ? given.map((value) => [value, value]) : Object.entries(given);
      options(this.field(name), pairs, settings[name]);
    }
    this.field("network").options[0].text = "built here";
    if (this.field("network").options[1]) this.field("network").options[1].text = "your own model";
    for (const name of [...WHOLE, ...REAL]) this.fill(this.field(name), settings[name]);
    this.field("scale").checked = settings.scale;
    const axes = inputs.map((name, i) => [i, name]);
    options(this.field("across"), axes, settings.axes[0]);
    options(this.field("up"), axes, settings.axes[1]);
    const rates = RATES.includes(settings.lr) ? RATES : [...RATES, settings.lr].sort((a, b) => a - b);
    options(this.rate, rates.map((value) => [value, String(value)]), settings.lr);
    this.hideAndShow(state);
    this.features(state);
    this.layers(settings.hidden);
  }

  fill(field, value) {
    if (this.refused || field !== document.activeElement) field.value = value;
  }

  hideAndShow({ settings, choices, inputs }) {
    const gone = (selector, is) =>
      this.form.querySelectorAll(selector).forEach((each) => each.classList.toggle("gone", is));
    gone(".made", ["own", "points", "iris"].includes(settings.data));
    gone(".split", settings.data === "points");
    gone(".axes", inputs.length < 3);
    gone(".own", choices.network.length < 2);
    gone(".built", settings.network === "own");
  }

  features({ settings, choices, inputs }) {
    const box = this.form.querySelector("#features");
    box.classList.toggle("gone", settings.network === "own" || inputs.length !== 2);
    if (!box.children.length) {
      const checks = choices.features.map((name) =>
        element("label", {}, element("input", { type: "checkbox", value: name }), name));
      box.replaceChildren(element("span", { className: "group-name" }, "The network is given"), ...checks);
    }
    box.querySelectorAll("input").forEach((each) => (each.checked = settings.features.includes(each.value)));
  }

  /** A field for each hidden layer; those that are there stay, and with them the focus. */
  layers(hidden) {
    const box = this.form.querySelector("#hidden");
    if (!box.children.length) this.layerButtons(box);
    const rows = box.querySelector(".rows");
    while (rows.children.length > hidden.length) rows.lastChild.remove();
    while (rows.children.length < hidden.length) {
      const field = element("input", { type: "number", min: 1, max: 16, className: "size" });
      field.setAttribute("aria-label", `units of hidden layer ${rows.children.length + 1}`);
      rows.append(field);
    }
    hidden.forEach((size, i) => this.fill(rows.children[i], size));
    const [less, more] = box.querySelectorAll("button");
    less.disabled = hidden.length === 0;
    more.disabled = hidden.length === 6;
  }

  layerButtons(box) {
    const button = (text, label, sizes) => {
      const made = element("button", { type: "button" }, text);
      made.setAttribute("aria-label", label);
      made.addEventListener("click", () => {
        this.layers(sizes(this.sizes()));
        this.on.configure({ hidden: this.sizes() });
      });
      return made;
    };
    const head = element("div", { className: "group-name" }, "Hidden layers, units of each",
      button("−", "one hidden layer less", (sizes) => sizes.slice(0, -1)),
      button("+", "one hidden layer more", (sizes) => [...sizes, 4]));
    box.append(head, element("div", { className: "rows" }));
  }

  /** What the fields of the hidden layers say, which may be ahead of the session. */
  sizes() {
    return [...this.form.querySelectorAll(".size")].map((each) => each.valueAsNumber);
  }

  changed(field) {
    const { name } = field;
    if (field.id === "file") {
      if (field.files.length) this.on.file(field.files[0]);
      field.value = "";
    } else if (field.className === "size") {
      this.on.configure({ hidden: this.sizes() });
    } else if (field.closest("#features")) {
      const chosen = [...this.form.querySelectorAll("#features input:checked")].map((each) => each.value);
      this.on.configure({ features: chosen });
    } else if (name === "across" || name === "up") {
      this.on.configure({ axes: [Number(this.field("across").value), Number(this.field("up").value)] });
    } else if (name === "scale") {
      this.on.configure({ scale: field.checked });
    } else {
      const numeric = [...WHOLE, ...REAL].includes(name);
      this.on.configure({ [name]: numeric ? field.valueAsNumber : field.value });
    }
  }
}

function options(select, pairs, chosen) {
  select.replaceChildren(...pairs.map(([value, text]) =>
    element("option", { value, selected: String(value) === String(chosen) }, text)));
}
