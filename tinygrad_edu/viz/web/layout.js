// Where everything goes. Each module is laid out by itself, innermost first, as a small graph of
// its own; an arrow that crosses its border ends at a point "in" or "out" there, and continues in
// the module around it. Equal modules are laid out once. This file runs in a worker, after dagre,
// and therefore imports nothing.

const PADDING = 14,
  TITLE = 26,
  GAP = 18,
  MANY = 250,
  FEW = 250;
const cache = new Map();

// graph: screen [w, h]; frames [{outer}], outer ones first, the first being the whole; folded: a
// flag for each; frameSizes: [w, h] of each as a box; titles: their least widths when unfolded; boxes [{frame, w, h}]; arrows [{tail, head}].
// Returns centers and sizes of boxes and frames (null where they are hidden), and for each arrow
// its points, or null if it lies inside a folded module or repeats another.
// It runs downwards, or to the right if the graph then fits better into `graph.screen`.
function layout(graph) {
  const plan = planned(graph);
  const down = laidOut(graph, plan, "TB");
  const few = down.boxes.filter(Boolean).length + down.frames.filter(Boolean).length < FEW;
  if (!few || !graph.screen || zoom(down, graph.screen) >= 1) return down;
  const right = laidOut(graph, plan, "LR");
  return zoom(right, graph.screen) > 1.15 * zoom(down, graph.screen) ? right : down;
}

const zoom = ({ width, height }, [w, h]) => Math.min(w / width, h / height);

function laidOut(graph, plan, direction) {
  const plans = graph.frames.map(() => null);
  for (let f = graph.frames.length - 1; f >= 0; f--) {
    if (!plan.hidden[f] && !graph.folded[f])
      plans[f] = localLayout(plan.local[f], f ? graph.titles[f] : 0, plans, graph, direction);
  }
  return { ...placed(graph, plan, plans), direction };
}

// What each frame has to lay out: items (boxes, and frames inside, as "b3" and "f2") and edges.
function planned(graph) {
  const { frames, boxes, arrows, folded } = graph;
  const hidden = frames.map(() => false);
  const depth = frames.map(() => 0);
  for (let f = 1; f < frames.length; f++) {
    const outer = frames[f].outer;
    hidden[f] = hidden[outer] || folded[outer];
    depth[f] = depth[outer] + 1;
  }
  const local = frames.map(() => ({ items: [], edges: new Map() }));
  for (let f = 1; f < frames.length; f++) {
    if (!hidden[f]) local[frames[f].outer].items.push("f" + f);
  }
  boxes.forEach((box, b) => {
    if (!hidden[box.frame] && !folded[box.frame]) local[box.frame].items.push("b" + b);
  });
  const routes = arrows.map((arrow) => route(arrow, graph, hidden, depth, local));
  return { hidden, local, routes };
}

// The visible item that stands for a box, and the frame that holds this item.
function visible(b, graph, hidden) {
  let f = graph.boxes[b].frame;
  if (!hidden[f] && !graph.folded[f]) return { item: "b" + b, frame: f };
  while (hidden[f]) f = graph.frames[f].outer;
  return { item: "f" + f, frame: graph.frames[f].outer };
}

// The local edges that an arrow consists of, from its tail to its head: [frame, from, to].
function route(arrow, graph, hidden, depth, local) {
  const tail = visible(arrow.tail, graph, hidden),
    head = visible(arrow.head, graph, hidden);
  if (tail.item === head.item) return null;
  const rising = [],
    falling = [];
  let { item: a, frame: fa } = tail,
    { item: b, frame: fb } = head;
  while (fa !== fb) {
    if (depth[fa] >= depth[fb]) {
      rising.push([fa, a, "out"]);
      a = "f" + fa;
      fa = graph.frames[fa].outer;
    } else {
      falling.unshift([fb, "in", b]);
      b = "f" + fb;
      fb = graph.frames[fb].outer;
    }
  }
  const whole = [...rising, [fa, a, b], ...falling];
  for (const [f, from, to] of whole) {
    const key = from + " " + to,
      edges = local[f].edges;
    edges.set(key, (edges.get(key) || 0) + 1);
  }
  return { parts: whole, key: tail.item + " " + head.item };
}

function sizeOf(item, graph, plans) {
  if (item === "in" || item === "out") return [1, 1];
  const i = Number(item.slice(1));
  if (item[0] === "b") return [graph.boxes[i].w, graph.boxes[i].h];
  return plans[i] ? [plans[i].w, plans[i].h] : graph.frameSizes[i];
}

// The layout of one frame, with coordinates from its upper left corner.
function localLayout({ items, edges }, least, plans, graph, direction) {
  const all = [...items];
  const keys = [...edges.keys()].map((key) => key.split(" "));
  for (const end of ["in", "out"]) if (keys.some((key) => key.includes(end))) all.push(end);
  const number = new Map(all.map((item, i) => [item, i]));
  const sizes = all.map((item) => sizeOf(item, graph, plans));
  const pairs = keys.map(([a, b]) => [number.get(a), number.get(b), edges.get(a + " " + b)]);
  const signature = JSON.stringify([direction, sizes, pairs]);
  let found = cache.get(signature);
  if (!found) {
    const method = all.length > MANY ? layered : byDagre;
    found = method(sizes, pairs, items.length, direction);
    cache.set(signature, found);
  }
  const w = Math.max(found.w, least),
    center = ([x, y]) => [x + (w - found.w) / 2, y];
  const centers = new Map(all.map((item, i) => [item, center(found.centers[i])]));
  const points = new Map(keys.map((key, i) => [key.join(" "), found.points[i].map(center)]));
  return { w, h: found.h, centers, points };
}

function byDagre(sizes, pairs, real, rankdir) {
  const g = new dagre.graphlib.Graph();
  g.setGraph({
    rankdir,
    nodesep: GAP,
    ranksep: 26,
    edgesep: 10,
    ranker: sizes.length > 60 ? "longest-path" : "network-simplex",
  });
  g.setDefaultEdgeLabel(() => ({}));
  sizes.forEach(([width, height], i) => g.setNode("n" + i, { width, height }));
  for (const [a, b, weight] of pairs) g.setEdge("n" + a, "n" + b, { weight });
  dagre.layout(g);
  return framed(
    sizes.map((_, i) => [g.node("n" + i).x, g.node("n" + i).y]),
    sizes,
    pairs.map(([a, b]) => g.edge("n" + a, "n" + b).points.map(({ x, y }) => [x, y])),
    real,
    rankdir,
  );
}

// For very many items in one module: ranks by longest path, each ordered by the items before.
function layered(sizes, pairs, real) {
  const before = sizes.map(() => []),
    after = sizes.map(() => []);
  for (const [a, b] of pairs) {
    after[a].push(b);
    before[b].push(a);
  }
  const rank = ranks(before, after);
  const rows = [],
    centers = [];
  rank.forEach((r, i) => (rows[r] ??= []).push(i));
  let y = 0;
  for (const row of rows.filter(Boolean)) {
    const wanted = (i) => {
      const known = before[i].filter((a) => centers[a]);
      return known.length
        ? known.reduce((sum, a) => sum + centers[a][0], 0) / known.length
        : Infinity;
    };
    const order = row
      .map((i) => [wanted(i), i])
      .sort(([a, i], [b, j]) => (a === b ? i - j : a - b));
    const height = Math.max(...row.map((i) => sizes[i][1]));
    let x = (GAP - row.reduce((sum, i) => sum + sizes[i][0] + GAP, 0)) / 2;
    for (const [, i] of order) {
      centers[i] = [x + sizes[i][0] / 2, y + height / 2];
      x += sizes[i][0] + GAP;
    }
    y += height + 30;
  }
  const end = (i, side) => [centers[i][0], centers[i][1] + (side * sizes[i][1]) / 2];
  return framed(
    centers,
    sizes,
    pairs.map(([a, b]) => [end(a, 1), end(b, -1)]),
    real,
    "TB",
  );
}

function ranks(before, after) {
  const rank = before.map(() => 0),
    waiting = before.map((list) => list.length);
  const ready = [...before.keys()].filter((i) => !waiting[i]);
  for (let k = 0; k < ready.length; k++) {
    for (const b of after[ready[k]]) {
      rank[b] = Math.max(rank[b], rank[ready[k]] + 1);
      if (!--waiting[b]) ready.push(b);
    }
  }
  after.forEach((list, i) => {
    // what nothing comes before stands right above its first consumer
    if (list.length && !before[i].length)
      rank[i] = Math.max(0, Math.min(...list.map((b) => rank[b])) - 1);
  });
  return rank;
}

// Shifted so that the first `real` items lie inside of the padding. Beside them only the points
// "in" and "out" are there, which are moved to the border, and lines, which may bulge out.
function framed(centers, sizes, points, real, rankdir) {
  if (!real) return { w: 2 * PADDING, h: TITLE + PADDING, centers: [], points: [] };
  const [along, aside] = rankdir === "LR" ? [0, 1] : [1, 0];
  const low = [Infinity, Infinity],
    high = [-Infinity, -Infinity];
  const include = (axis, from, to) => {
    low[axis] = Math.min(low[axis], from);
    high[axis] = Math.max(high[axis], to);
  };
  for (let i = 0; i < real; i++) {
    for (const axis of [0, 1])
      include(axis, centers[i][axis] - sizes[i][axis] / 2, centers[i][axis] + sizes[i][axis] / 2);
  }
  for (const line of points) for (const point of line) include(aside, point[aside], point[aside]);
  const shift = (point) => {
    const moved = [...point];
    moved[along] = Math.max(
      low[along] - PADDING + 2,
      Math.min(high[along] + PADDING - 2, point[along]),
    );
    return [moved[0] - low[0] + PADDING, moved[1] - low[1] + TITLE];
  };
  return {
    w: high[0] - low[0] + 2 * PADDING,
    h: high[1] - low[1] + TITLE + PADDING,
    centers: centers.map(shift),
    points: points.map((line) => line.map(shift)),
  };
}

// Absolute coordinates: a frame's corner is known before those of the frames inside.
function placed(graph, plan, plans) {
  const corner = graph.frames.map(() => null);
  const frames = graph.frames.map(() => null),
    boxes = graph.boxes.map(() => null);
  corner[0] = [0, 0];
  graph.frames.forEach((frame, f) => {
    if (plan.hidden[f]) return;
    const [w, h] = plans[f] ? [plans[f].w, plans[f].h] : graph.frameSizes[f];
    if (f) {
      const [x, y] = plans[frame.outer].centers.get("f" + f),
        [left, top] = corner[frame.outer];
      corner[f] = [left + x - w / 2, top + y - h / 2];
    }
    frames[f] = { x: corner[f][0] + w / 2, y: corner[f][1] + h / 2, w, h };
    if (!plans[f]) return;
    for (const [item, [x, y]] of plans[f].centers) {
      if (item[0] === "b")
        boxes[Number(item.slice(1))] = { x: corner[f][0] + x, y: corner[f][1] + y };
    }
  });
  const drawn = new Map();
  const arrows = plan.routes.map((way, i) => {
    if (!way) return null;
    if (drawn.has(way.key)) return { same: drawn.get(way.key) };
    drawn.set(way.key, i);
    const points = [];
    for (const [f, from, to] of way.parts) {
      for (const [x, y] of plans[f].points.get(from + " " + to))
        points.push([corner[f][0] + x, corner[f][1] + y]);
    }
    return { points };
  });
  return { boxes, frames, arrows, width: frames[0].w, height: frames[0].h };
}

if (typeof WorkerGlobalScope !== "undefined") {
  onmessage = ({ data }) => {
    const start = performance.now();
    const result = layout(data.graph);
    postMessage({ ticket: data.ticket, result, milliseconds: performance.now() - start });
  };
} else {
  globalThis.layoutGraph = layout;
}
