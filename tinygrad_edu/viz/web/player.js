// The position in the forward and the backward pass: one step is one operation computed, or one
// contribution sent back. Three strides move over one contribution, one operation or one module.

export class Player {
  // `changed(position)` is called after each move; `moduleOf(box)` says what a module is now.
  constructor(data, changed, moduleOf) {
    this.data = data;
    this.steps = data.steps;
    this.changed = changed;
    this.moduleOf = moduleOf;
    this.position = 0;
    this.stride = data.stride;
    this.delay = 1200;
    this.skips = false;
  }

  get last() {
    return this.steps.length;
  }

  get step() {
    return this.steps[this.position - 1];
  }

  go(position) {
    const to = Math.max(0, Math.min(this.last, Math.round(position)));
    if (!Number.isFinite(to)) return;
    this.position = to;
    this.changed(to);
  }

  // The next position at which a stride ends, in the direction of +1 or -1.
  next(direction) {
    let at = this.position;
    do {
      at = direction > 0 ? this.after(at) : this.before(at);
    } while (this.skips && at > 0 && at < this.last && this.steps[at - 1].plumbing);
    return at;
  }

  after(at) {
    const group = this.group(at);
    do at++;
    while (at < this.last && this.group(at) === group);
    return Math.min(at, this.last);
  }

  before(at) {
    do at--;
    while (at > 0 && this.group(at - 1) === this.group(at));
    return Math.max(at, 0);
  }

  // What steps of one stride have in common: the number of the one after a position.
  group(at) {
    const step = this.steps[at];
    if (!step || this.stride === "contribution") return at;
    const pass = step.kind === "forward" ? "forward" : "backward";
    if (this.stride === "operation") return `${pass} ${step.box}`;
    return `${pass} ${this.moduleOf(step.box)}`;
  }

  move(direction) {
    this.go(this.next(direction));
  }

  get playing() {
    return Boolean(this.timer);
  }

  play() {
    if (this.position >= this.last) this.position = 0;
    const tick = () => {
      this.move(1);
      if (this.position < this.last) this.timer = setTimeout(tick, this.delay);
      else this.pause();
    };
    this.timer = setTimeout(tick, 80);
    this.changed(this.position);
  }

  pause() {
    clearTimeout(this.timer);
    this.timer = null;
    this.changed(this.position);
  }
}
