// Panning and zooming by a transform of the world (changing the viewBox is seven times as slow).

export class View {
  constructor(root, world, minimap) {
    Object.assign(this, { root, world, minimap, x: 0, y: 0, zoom: 1, width: 1, height: 1 });
    root.addEventListener("wheel", (event) => this.wheel(event), { passive: false });
    root.addEventListener("pointerdown", (event) => this.press(event));
    minimap.addEventListener("pointerdown", (event) => this.jump(event));
    minimap.addEventListener("pointermove", (event) => event.buttons && this.jump(event));
    new ResizeObserver(([{ contentRect }]) => {
      this.measured = contentRect;
      this.apply();
    }).observe(root);
  }

  // Measured when it changes: to ask after drawing would lay out what is taken out of sight next.
  get screen() {
    const { width, height } = (this.measured ??= this.root.getBoundingClientRect());
    return { w: width || 1, h: height || 1 };
  }

  content(result) {
    this.result = result;
    this.width = result.width;
    this.height = result.height;
    this.drawn = null;
    this.apply();
  }

  fit() {
    const { w, h } = this.screen;
    this.zoom = Math.min(1.4, Math.min(w / this.width, h / this.height) * 0.98);
    this.x = (w - this.width * this.zoom) / 2;
    this.y = (h - this.height * this.zoom) / 2;
    this.apply();
  }

  // All of it, or if that would be too small to read, what is first.
  open() {
    this.fit();
    if (this.zoom > 0.55 || this.result.boxes.filter(Boolean).length > 400) return;
    const { w, h } = this.screen,
      across = this.result.direction === "LR";
    this.zoom = Math.max(this.zoom, Math.min(0.72, (w / this.width) * 0.98));
    this.x = across ? 8 : (w - this.width * this.zoom) / 2;
    this.y = across ? (h - this.height * this.zoom) / 2 : 8;
    this.apply();
  }

  // Around a point of the screen, by default its center.
  scale(factor, x = this.screen.w / 2, y = this.screen.h / 2) {
    const zoom = Math.min(4, Math.max(0.001, this.zoom * factor)),
      by = zoom / this.zoom;
    this.x = x - (x - this.x) * by;
    this.y = y - (y - this.y) * by;
    this.zoom = zoom;
    this.apply();
  }

  // Bring a place of the world into sight, by as little as is needed; closer if it is too small.
  reveal({ x, y }, readable = true) {
    const { w, h } = this.screen;
    if (readable && this.zoom < 0.5) this.zoom = 0.8;
    const px = this.x + x * this.zoom,
      py = this.y + y * this.zoom;
    if (px < 40 || px > w - 40 || py < 24 || py > h - 24) {
      this.x += Math.max(Math.min(110, w / 2), Math.min(px, w - 110)) - px;
      this.y += Math.max(Math.min(80, h / 2), Math.min(py, h - 80)) - py;
    }
    this.apply();
  }

  wheel(event) {
    event.preventDefault();
    const { left, top } = this.root.getBoundingClientRect();
    this.scale(
      Math.exp(-event.deltaY * (event.deltaMode ? 0.05 : 0.0015)),
      event.clientX - left,
      event.clientY - top,
    );
  }

  press(event) {
    if (event.button) return;
    const from = { x: event.clientX - this.x, y: event.clientY - this.y },
      start = [event.clientX, event.clientY];
    let moved = false;
    const move = (now) => {
      if (!moved && Math.hypot(now.clientX - start[0], now.clientY - start[1]) < 4) return;
      moved = true;
      this.root.classList.add("dragging");
      this.x = now.clientX - from.x;
      this.y = now.clientY - from.y;
      this.apply();
    };
    const end = () => {
      removeEventListener("pointermove", move);
      this.root.classList.remove("dragging");
      if (moved) addEventListener("click", stop, { capture: true, once: true });
      setTimeout(() => removeEventListener("click", stop, { capture: true }));
    };
    const stop = (click) => click.stopPropagation();
    addEventListener("pointermove", move);
    addEventListener("pointerup", end, { once: true });
    addEventListener("pointercancel", end, { once: true });
  }

  apply() {
    if (this.waiting) return;
    this.waiting = true;
    requestAnimationFrame(() => this.show());
  }

  show() {
    this.waiting = false;
    const { x, y, zoom } = this,
      { w, h } = this.screen;
    const place = `translate(${x.toFixed(1)} ${y.toFixed(1)}) scale(${zoom.toFixed(4)})`;
    this.world.setAttribute("transform", place);
    this.root.classList.toggle("far", zoom < 0.4);
    this.onmove?.([-x / zoom, -y / zoom, (w - x) / zoom, (h - y) / zoom], zoom);
    this.map();
  }

  // ---------------------------------------------------------------- the map in the corner

  map() {
    const { w, h } = this.screen,
      map = this.minimap;
    const all = this.width * this.zoom <= w && this.height * this.zoom <= h;
    map.hidden = all || !this.result;
    if (map.hidden) return;
    const scale = Math.min(map.width / this.width, map.height / this.height);
    const shift = [(map.width - this.width * scale) / 2, (map.height - this.height * scale) / 2];
    Object.assign(this, { mapScale: scale, mapShift: shift });
    const pen = map.getContext("2d");
    if (!this.drawn) this.drawn = this.overview(scale, shift);
    pen.clearRect(0, 0, map.width, map.height);
    pen.drawImage(this.drawn, 0, 0);
    pen.strokeStyle = getComputedStyle(this.root).getPropertyValue("--focus");
    pen.strokeStyle = "#2f7de1";
    pen.lineWidth = 2;
    const corner = [
      shift[0] - (this.x / this.zoom) * scale,
      shift[1] - (this.y / this.zoom) * scale,
    ];
    pen.strokeRect(
      ...corner,
      Math.max(3, (w / this.zoom) * scale),
      Math.max(3, (h / this.zoom) * scale),
    );
  }

  overview(scale, shift) {
    const sheet = document.createElement("canvas");
    sheet.width = this.minimap.width;
    sheet.height = this.minimap.height;
    const pen = sheet.getContext("2d");
    pen.strokeStyle = pen.fillStyle = "#8793a3";
    for (const frame of this.result.frames) {
      if (frame)
        pen.strokeRect(
          shift[0] + (frame.x - frame.w / 2) * scale,
          shift[1] + (frame.y - frame.h / 2) * scale,
          frame.w * scale,
          frame.h * scale,
        );
    }
    for (const box of this.result.boxes)
      if (box) pen.fillRect(shift[0] + box.x * scale - 1, shift[1] + box.y * scale - 1, 2.5, 2);
    return sheet;
  }

  jump(event) {
    const { w, h } = this.screen;
    this.x = w / 2 - ((event.offsetX - this.mapShift[0]) / this.mapScale) * this.zoom;
    this.y = h / 2 - ((event.offsetY - this.mapShift[1]) / this.mapScale) * this.zoom;
    this.apply();
  }
}
