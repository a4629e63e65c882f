// The graph itself, on a canvas the size of its viewport: only what can be seen is drawn, so that a profile of 50,000
// frames moves like one of 50. A scene is up to two trees that share their root row: `up` grows upwards from it,
// `down` downwards. Flame: only up. Icicle: only down. Sandwich: callers up, callees down.
//
// Places are counted in samples (x, from the left edge of the root) and rows (depth).

const ROW = 21;   // CSS pixels, gap included
const GAP = 1;
const PAD = 8;    // beyond the first and last row
const LEAST_TEXT = 26;   // px of a frame below which no name is drawn
const FONT = '12px ui-sans-serif, Inter, system-ui, "Segoe UI", Roboto, "Helvetica Neue", sans-serif';
const ZOOM_MS = 220;

class FlameGraph {
  // on: {hover(hit, event), pick(hit, event), open(hit), menu(hit, event)}; a hit is {tree, node} or null.
  constructor(profile, scroller, spacer, canvas, on) {
    this.profile = profile;
    this.scroller = scroller;
    this.spacer = spacer;
    this.canvas = canvas;
    this.on = on;
    this.context = canvas.getContext('2d');
    this.theme = 'light';
    this.up = null;
    this.down = null;
    this.range = [0, 1];
    this.frame = 0;       // of a zoom under way; 0: nothing moves
    this.lit = null;      // entity → whether it is in the light; null: all are
    this.current = null;  // hit with the ring
    this.hovered = null;
    this.widths = new Map();  // text → px
    this.drawn = {frames: 0, ms: 0};
    this.listen();
  }

  listen() {
    new ResizeObserver(() => this.resize()).observe(this.scroller);
    this.scroller.addEventListener('scroll', () => this.draw());
    this.canvas.addEventListener('pointermove', (event) => this.move(event));
    this.canvas.addEventListener('pointerleave', (event) => this.hover(null, event));
    this.canvas.addEventListener('pointerdown', (event) => this.press(event));
    this.canvas.addEventListener('pointerup', (event) => this.release(event));
    this.canvas.addEventListener('contextmenu', (event) => {
      const hit = this.hitAt(event.offsetX, event.offsetY);
      if (hit === null) return;
      event.preventDefault();
      this.on.menu(hit, event);
    });
    this.canvas.addEventListener('wheel', (event) => this.wheel(event), {passive: false});
  }

  // --- what is shown ---------------------------------------------------------------------------------------------

  setScene({up = null, down = null}, zoom = 0) {
    this.stop();  // a zoom of the scene before would scroll this one
    this.up = up;
    this.down = down;
    this.current = null;
    this.hovered = null;
    this.zoom = zoom;
    this.range = this.rangeOf(zoom);
    this.rows = this.rowsOf(zoom);
    this.layOut();
    this.scroller.scrollTop = up && !down ? this.scroller.scrollHeight : this.sandwich ? this.baseY - this.height / 2 : 0;
    this.draw();
  }

  get tree() { return this.down ?? this.up; }
  get sandwich() { return this.up !== null && this.down !== null; }

  rangeOf(node) {
    const {start, total} = this.tree;
    return [start[node], Math.max(start[node] + total[node], start[node] + 1e-9)];
  }

  zoomTo(node) {
    this.zoom = node;
    const rows = this.rowsOf(node);
    this.rows = {above: Math.max(rows.above, this.rows.above), below: Math.max(rows.below, this.rows.below)};
    this.resize();
    this.slide(this.rangeOf(node));
  }

  stop() {
    cancelAnimationFrame(this.frame);
    this.frame = 0;
  }

  // Moves the visible range there, smoothly unless people asked their system for less motion.
  slide(target) {
    this.stop();
    const from = this.range;
    const begin = performance.now();
    const length = matchMedia('(prefers-reduced-motion: reduce)').matches ? 0 : ZOOM_MS;
    const step = (now) => {
      const t = length === 0 ? 1 : Math.min(1, (now - begin) / length);
      const eased = 1 - (1 - t) ** 3;
      this.range = [0, 1].map((i) => from[i] + (target[i] - from[i]) * eased);
      this.draw();
      if (t < 1) {
        this.frame = requestAnimationFrame(step);
      } else {
        this.frame = 0;
        this.settle();
      }
    };
    this.frame = requestAnimationFrame(step);
  }

  // After a zoom: as high as what is now in sight needs, the zoomed frame in sight.
  settle() {
    this.rows = this.rowsOf(this.zoom);
    this.resize();
    this.reveal(this.tree, this.zoom);
    this.draw();
  }

  // Rows beyond the root's that what is zoomed to needs.
  rowsOf(zoom) {
    const deepest = (tree) => {
      if (tree === null) return 0;
      if (this.sandwich) return tree.maxDepth;
      let depth = 0;
      for (let node = zoom; node < tree.end[zoom]; ++node) depth = Math.max(depth, tree.depth[node]);
      return depth;
    };
    return {above: deepest(this.up), below: deepest(this.down)};
  }

  layOut() {
    const {above, below} = this.rows;
    const content = (above + below + 1) * ROW + 2 * PAD;
    this.width = this.scroller.clientWidth;
    this.height = this.scroller.clientHeight;
    const space = Math.max(content, this.height);
    this.spacer.style.height = `${space}px`;
    if (this.sandwich) this.baseY = PAD + above * ROW + Math.max(0, (space - content) / 2);
    else this.baseY = this.up ? space - PAD - ROW : PAD;
  }

  resize() {
    if (this.tree === null) return;
    const fromBottom = this.scroller.scrollHeight - this.scroller.scrollTop - this.height;
    this.layOut();
    if (this.up && !this.down) this.scroller.scrollTop = this.scroller.scrollHeight - fromBottom - this.height;
    this.draw();
  }

  // --- geometry --------------------------------------------------------------------------------------------------

  xOf(samples) { return ((samples - this.range[0]) / (this.range[1] - this.range[0])) * this.width; }
  directionOf(tree) { return tree === this.up ? -1 : 1; }
  topOf(tree, depth) { return this.baseY + this.directionOf(tree) * depth * ROW; }

  hitAt(x, y) {
    if (this.tree === null) return null;
    const row = Math.floor((y + this.scroller.scrollTop - this.baseY) / ROW);
    const tree = row < 0 ? this.up : row > 0 ? this.down : this.tree;
    if (tree === null) return null;
    const sample = this.range[0] + (x / this.width) * (this.range[1] - this.range[0]);
    let node = 0;
    for (let depth = Math.abs(row); depth > 0; --depth) {
      let child = node + 1;
      while (child < tree.end[node] && tree.start[child] + tree.total[child] <= sample) child = tree.end[child];
      if (child >= tree.end[node] || tree.start[child] > sample) return null;
      node = child;
    }
    return sample < tree.total[0] ? {tree, node} : null;
  }

  reveal(tree, node) {
    const top = this.topOf(tree, tree.depth[node]);
    const view = this.scroller.scrollTop;
    if (top < view + PAD) this.scroller.scrollTop = top - PAD - 2 * ROW;
    if (top + ROW > view + this.height) this.scroller.scrollTop = top + 3 * ROW + PAD - this.height;
  }

  boxOf({tree, node}) {
    const left = Math.max(0, this.xOf(tree.start[node]));
    const right = Math.min(this.width, this.xOf(tree.start[node] + tree.total[node]));
    return {left, right, top: this.topOf(tree, tree.depth[node]) - this.scroller.scrollTop};
  }

  // --- drawing ---------------------------------------------------------------------------------------------------

  draw() {
    if (this.tree === null || this.width === 0) return;
    const begin = performance.now();
    const {context, canvas} = this;
    const scale = devicePixelRatio || 1;
    const [pixelWidth, pixelHeight] = [Math.round(this.width * scale), Math.round(this.height * scale)];
    if (canvas.width !== pixelWidth || canvas.height !== pixelHeight) {
      canvas.width = pixelWidth;
      canvas.height = pixelHeight;
      canvas.style.width = `${this.width}px`;
      canvas.style.height = `${this.height}px`;
    }
    context.setTransform(scale, 0, 0, scale, 0, 0);
    context.clearRect(0, 0, this.width, this.height);
    context.font = FONT;
    context.textBaseline = 'middle';
    this.drawn.frames = 0;
    if (this.up) this.drawTree(this.up);
    if (this.down) this.drawTree(this.down, this.sandwich ? 1 : 0);
    this.drawRings();
    this.drawn.ms = performance.now() - begin;
  }

  drawTree(tree, from = 0) {
    const {start, total, end, depth} = tree;
    const pixels = this.width / (this.range[1] - this.range[0]);
    const least = 0.4 / pixels;
    const direction = this.directionOf(tree);
    const scroll = this.scroller.scrollTop;
    const filled = new Float64Array(tree.maxDepth + 1).fill(-1);  // right edge of the last sliver of each row
    for (let node = 0; node < tree.size;) {
      const left = start[node];
      const right = left + total[node];
      if (right <= this.range[0] || left >= this.range[1]) {
        node = end[node];
        continue;
      }
      const top = this.baseY + direction * depth[node] * ROW - scroll;
      if (direction < 0 ? top < -ROW : top > this.height) {
        node = end[node];  // and all that is further from the root
        continue;
      }
      if (top > -ROW && top < this.height && depth[node] >= from) {
        const x = (left - this.range[0]) * pixels;
        const width = total[node] * pixels;
        if (width >= 1.5) {
          this.drawFrame(tree, node, Math.max(0, x), top, Math.min(this.width, x + width));
        } else if (x + width > filled[depth[node]]) {
          filled[depth[node]] = this.drawSliver(tree, node, x, top);
        }
      }
      node = total[node] < least ? end[node] : node + 1;
    }
  }

  // Full where the light is; faint elsewhere; half for the frames below which the picture is zoomed.
  strengthOf(tree, node, entity) {
    if (this.lit !== null) return this.lit(entity) ? 1 : 0.22;
    return !this.sandwich && node < this.zoom && tree.end[node] > this.zoom ? 0.55 : 1;
  }

  // Frames too narrow to tell apart still show that something is there.
  drawSliver(tree, node, x, top) {
    const entity = this.profile.entities[tree.entity[node]];
    this.context.globalAlpha = 0.6 * this.strengthOf(tree, node, entity);
    this.context.fillStyle = frameColour(this.theme, entity);
    this.context.fillRect(Math.floor(x), top, 1, ROW - GAP);
    this.context.globalAlpha = 1;
    return Math.floor(x) + 1;
  }

  drawFrame(tree, node, left, top, right) {
    const {context} = this;
    const entity = this.profile.entities[tree.entity[node]];
    const width = Math.max(1, right - left - GAP);
    const strength = this.strengthOf(tree, node, entity);
    context.globalAlpha = strength;
    context.fillStyle = frameColour(this.theme, entity);
    context.beginPath();
    context.roundRect(left, top, width, ROW - GAP, width > 8 ? 2.5 : 0);
    context.fill();
    if (entity.kind === MARKER) this.hatch(left, top, width);
    if (this.hovered?.tree === tree && this.hovered.node === node) {
      context.fillStyle = INK[this.theme].glow;
      context.fill();
    }
    context.globalAlpha = Math.min(1, strength + 0.3);
    if (width >= LEAST_TEXT) this.drawText(entity, left, top, width);
    context.globalAlpha = 1;
    this.drawn.frames += 1;
  }

  hatch(left, top, width) {
    const {context} = this;
    context.save();
    context.clip();
    context.strokeStyle = INK[this.theme].hatch;
    context.beginPath();
    for (let x = left - ROW; x < left + Math.min(width, this.width); x += 6) {
      context.moveTo(x, top + ROW);
      context.lineTo(x + ROW, top);
    }
    context.stroke();
    context.restore();
    context.beginPath();
    context.roundRect(left, top, width, ROW - GAP, width > 8 ? 2.5 : 0);
  }

  drawText(entity, left, top, width) {
    const {context} = this;
    const room = width - 10;
    const italic = entity.kind === MARKER || entity.named === false;
    const text = this.fitted(entity.text, room);
    if (text === '') return;
    if (italic) context.font = `italic ${FONT}`;
    context.fillStyle = entity.kind === GROUP ? INK[this.theme].faint : INK[this.theme].text;
    context.fillText(text, left + 5, top + (ROW - GAP) / 2 + 0.5, room);
    if (italic) context.font = FONT;
  }

  fitted(text, room) {
    const width = this.widthOf(text);
    if (width <= room) return text;
    let length = Math.floor((text.length * room) / width);
    while (length > 1 && this.widthOf(`${text.slice(0, length)}…`) > room) --length;
    return length < 2 ? '' : `${text.slice(0, length)}…`;
  }

  widthOf(text) {
    let width = this.widths.get(text);
    if (width === undefined) {
      if (this.widths.size > 20000) this.widths.clear();
      width = this.context.measureText(text).width;
      this.widths.set(text, width);
    }
    return width;
  }

  drawRings() {
    if (this.current === null) return;
    const {left, right, top} = this.boxOf(this.current);
    if (right <= left) return;
    this.context.strokeStyle = INK[this.theme].ring;
    this.context.lineWidth = 2;
    this.context.beginPath();
    this.context.roundRect(left + 1, top + 1, Math.max(1, right - left - GAP - 2), ROW - GAP - 2, 2);
    this.context.stroke();
  }

  // --- hands -----------------------------------------------------------------------------------------------------

  hover(hit, event) {
    const same = hit?.tree === this.hovered?.tree && hit?.node === this.hovered?.node;
    this.hovered = hit;
    this.on.hover(hit, event);
    if (!same) this.draw();
  }

  press(event) {
    if (event.button === 0) this.pressed = {x: event.offsetX, y: event.offsetY, range: this.range, top: this.scroller.scrollTop};
  }

  move(event) {
    if (this.pressed === undefined || event.buttons === 0) {
      this.pressed = undefined;
      this.hover(this.hitAt(event.offsetX, event.offsetY), event);
      return;
    }
    const [dx, dy] = [event.offsetX - this.pressed.x, event.offsetY - this.pressed.y];
    if (!this.pressed.moved && Math.hypot(dx, dy) < 4) return;
    if (!this.pressed.moved) this.canvas.setPointerCapture(event.pointerId);
    this.pressed.moved = true;
    this.hover(null, event);
    this.pan(this.pressed.range, (-dx / this.width) * (this.range[1] - this.range[0]));
    this.scroller.scrollTop = this.pressed.top - dy;
  }

  release(event) {
    const {pressed} = this;
    this.pressed = undefined;
    if (pressed === undefined || pressed.moved) return;
    this.canvas.focus({preventScroll: true});
    this.on.pick(this.hitAt(event.offsetX, event.offsetY), event);
  }

  pan([left, right], distance) {
    const shift = Math.min(Math.max(distance, -left), this.tree.total[0] - right);
    this.range = [left + shift, right + shift];
    this.draw();
  }

  // With Ctrl (and a pinch, which browsers report so) around the pointer; sideways to pan; else the page scrolls.
  wheel(event) {
    if (this.tree === null) return;
    const width = this.range[1] - this.range[0];
    if (event.ctrlKey) {
      event.preventDefault();
      const whole = this.tree.total[0];
      const next = Math.min(whole, Math.max(width * Math.exp(event.deltaY * 0.004), whole * 1e-6));
      const share = event.offsetX / this.width;
      const left = Math.min(Math.max(0, this.range[0] + (width - next) * share), whole - next);
      this.range = [left, left + next];
      this.draw();
    } else if (event.deltaX !== 0 && Math.abs(event.deltaX) > Math.abs(event.deltaY)) {
      event.preventDefault();
      this.pan(this.range, (event.deltaX / this.width) * width);
    }
  }
}
