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

  set(state) {
    const { settings, choices, inputs } = state;
    this.settings = settings;
    for (const name of CHOICES) {
      const given = choices[name];
      const pairs = Array.isArray(given) ? given.map((value) => [value, value]) : Object.entries(given);
      options(this.field(name), pairs, settings[name]);
    }
    this.field("network").options[0].text = "built here";
    if (this.field("network").options[1]) this.field("network").options[1].text = "your own model";
    for (const name of [...WHOLE, ...REAL]) this.field(name).value = settings[name];
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
    const checks = choices.features.map((name) => {
      const check = element("input", { type: "checkbox", value: name, checked: settings.features.includes(name) });
      return element("label", {}, check, name);
    });
    box.replaceChildren(element("span", { className: "group-name" }, "The network is given"), ...checks);
  }

  layers(hidden) {
    const button = (text, label, sizes) => {
      const made = element("button", { type: "button", disabled: !sizes }, text);
      made.setAttribute("aria-label", label);
      made.addEventListener("click", () => this.on.configure({ hidden: sizes }));
      return made;
    };
    const fields = hidden.map((size, i) => {
      const field = element("input", { type: "number", min: 1, max: 16, value: size, className: "size" });
      field.setAttribute("aria-label", `units of hidden layer ${i + 1}`);
      return field;
    });
    const more = hidden.length < 6 ? [...hidden, 4] : null;
    const less = hidden.length ? hidden.slice(0, -1) : null;
    const head = element("div", { className: "group-name" }, "Hidden layers, units of each",
      button("−", "one hidden layer less", less), button("+", "one hidden layer more", more));
    this.form.querySelector("#hidden").replaceChildren(head, element("div", { className: "rows" }, ...fields));
  }

  changed(field) {
    const { name } = field;
    if (field.id === "file") {
      if (field.files.length) this.on.file(field.files[0]);
      field.value = "";
    } else if (field.className === "size") {
      const sizes = [...this.form.querySelectorAll(".size")].map((each) => each.valueAsNumber);
      this.on.configure({ hidden: sizes });
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
