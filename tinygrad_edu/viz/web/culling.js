// Large graphs: what is out of sight is taken out of the page (hiding it leaves panning slow), and
// far away all boxes are one shape.
import { svg } from "arrays";

const MANY = 800,
  TINY = 0.16,
  LARGE = 40;

export class Culling {
  constructor(result, elements, world) {
    this.parts = []; // in the order in which they are drawn
    const add = (key, left, top, right, bottom) => {
      const element = elements.get(key);
      const frame = key.startsWith("around");
      this.parts.push({ element, layer: element.parentNode, frame, left, top, right, bottom });
    };
    const box = (key, { x, y }, w, h) => add(key, x - w / 2, y - h / 2, x + w / 2, y + h / 2);
    result.frames.forEach((at, f) => {
      if (at && f) box(elements.has("around " + f) ? "around " + f : "frame " + f, at, at.w, at.h);
    });
    result.arrows.forEach((arrow, i) => {
      if (!arrow?.points) return;
      const xs = arrow.points.map(([x]) => x),
        ys = arrow.points.map(([, y]) => y);
      add("arrow " + i, Math.min(...xs), Math.min(...ys), Math.max(...xs), Math.max(...ys));
    });
    result.boxes.forEach((at, b) => at && box("box " + b, at, 240, 90));
    this.active = this.parts.length > MANY;
    if (this.active) world.append((this.overview = overview(result)));
  }

  // Show what a part of the world, [left, top, right, bottom], has in it, and a margin around it.
  show([left, top, right, bottom], zoom) {
    if (!this.active) return;
    const far = zoom < TINY,
      w = (right - left) / 2,
      h = (bottom - top) / 2;
    this.overview.style.display = far ? "" : "none";
    const next = new Map();
    for (let i = this.parts.length - 1; i >= 0; i--) {
      const part = this.parts[i],
        { element, layer } = part;
      const out =
        part.left > right + w ||
        part.right < left - w ||
        part.top > bottom + h ||
        part.bottom < top - h;
      if (
        !(out || (far && !(part.frame && (part.right - part.left) * zoom > LARGE))) ||
        this.held(element)
      ) {
        if (!element.parentNode) layer.insertBefore(element, next.get(layer) || null);
        next.set(layer, element);
      } else if (element.parentNode) element.remove();
    }
  }

  // What is in focus or at work stays, wherever it is.
  held(element) {
    const { classList } = element;
    return (
      classList.contains("now") ||
      classList.contains("target") ||
      element.contains(document.activeElement)
    );
  }
}

// All boxes as one path.
function overview(result) {
  const parts = result.boxes
    .filter(Boolean)
    .map(({ x, y }) => `M${Math.round(x - 50)} ${Math.round(y - 20)}h100v44h-100z`);
  return svg("path", { class: "overview", d: parts.join("") });
}
