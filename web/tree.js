// Merged call trees. A finished tree is a set of columns in preorder, heaviest child first:
//   entity, parent, depth, start (samples before it in its row), total, self, end (first node after its subtree).

class TreeBuilder {
  constructor(rootEntity) {
    this.entity = [rootEntity];
    this.parent = [-1];
    this.self = [0];
    this.children = new Map();
  }

  child(parent, entity) {
    const key = parent * 0x4000000 + entity;  // entities are far fewer than 2^26
    let node = this.children.get(key);
    if (node === undefined) {
      node = this.entity.length;
      this.children.set(key, node);
      this.entity.push(entity);
      this.parent.push(parent);
      this.self.push(0);
    }
    return node;
  }

  finish() {
    const size = this.entity.length;
    const total = Float64Array.from(this.self);
    for (let node = size - 1; node > 0; --node) total[this.parent[node]] += total[node];  // parents come first
    const order = Int32Array.from({length: size}, (_, node) => node);
    order.sort((a, b) => total[a] - total[b] || this.entity[b] - this.entity[a]);
    const firstChild = new Int32Array(size).fill(-1);
    const nextSibling = new Int32Array(size).fill(-1);
    for (const node of order) {  // lightest first, each put before those already there
      if (node === 0 || total[node] === 0) continue;
      nextSibling[node] = firstChild[this.parent[node]];
      firstChild[this.parent[node]] = node;
    }
    return this.inPreorder(total, firstChild, nextSibling);
  }

  inPreorder(total, firstChild, nextSibling) {
    const size = this.entity.length;
    const tree = {
      size: 0,
      entity: new Int32Array(size),
      parent: new Int32Array(size),
      depth: new Int32Array(size),
      end: new Int32Array(size),
      start: new Float64Array(size),
      total: new Float64Array(size),
      self: new Float64Array(size),
      maxDepth: 0,
    };
    const place = new Int32Array(size);  // old number → new
    const used = new Float64Array(size);  // samples of a new node's children placed so far
    let node = 0;
    while (node !== -1) {
      const at = tree.size++;
      place[node] = at;
      const parent = node === 0 ? -1 : place[this.parent[node]];
      tree.entity[at] = this.entity[node];
      tree.parent[at] = parent;
      tree.total[at] = total[node];
      tree.self[at] = this.self[node];
      if (parent >= 0) {
        tree.depth[at] = tree.depth[parent] + 1;
        tree.start[at] = tree.start[parent] + used[parent];
        used[parent] += total[node];
        tree.maxDepth = Math.max(tree.maxDepth, tree.depth[at]);
      }
      if (firstChild[node] !== -1) {
        node = firstChild[node];
        continue;
      }
      while (node > 0 && nextSibling[node] === -1) {
        tree.end[place[node]] = tree.size;
        node = this.parent[node];
      }
      tree.end[place[node]] = tree.size;
      node = node === 0 ? -1 : nextSibling[node];
    }
    return tree;
  }
}

// options: group (a key of GROUPINGS), lines (frames apart by line), threads (a Set, or null for all), hidden (a Set of
// kinds whose frames are left out, their time going to the caller).
function buildTree(profile, options) {
  const builder = new TreeBuilder(0);
  const entityOf = options.lines ? profile.lineOf : profile.symbolOf;
  const grouping = GROUPINGS[options.group].path;
  const placed = new Map();  // (group's node, stack node) → tree node
  const pending = [];
  for (let i = 0; i < profile.sampleCount.length; ++i) {
    const threadIndex = profile.sampleThread[i];
    if (options.threads && !options.threads.has(threadIndex)) continue;
    const thread = profile.threads[threadIndex];
    let at = 0;
    for (const entity of grouping(profile.processes[thread.process], thread)) at = builder.child(at, entity);
    const group = at * 0x4000000;
    let node = profile.sampleStack[i];
    for (pending.length = 0; node !== 0; node = profile.nodeParent[node]) {
      const known = placed.get(group + node);
      if (known !== undefined) {
        at = known;
        break;
      }
      pending.push(node);
    }
    while (pending.length > 0) {
      const below = pending.pop();
      const entity = entityOf[profile.nodeFunction[below]];
      if (!options.hidden.has(profile.entities[entity].kind)) at = builder.child(at, entity);
      placed.set(group + below, at);
    }
    builder.self[at] += profile.sampleCount[i];
  }
  return builder.finish();
}

// The outermost nodes of a symbol: what is below one is recursion.
function* outermost(tree, entities, symbol) {
  for (let node = 0; node < tree.size;) {
    if (entities[tree.entity[node]].symbol === symbol) {
      yield node;
      node = tree.end[node];
    } else {
      ++node;
    }
  }
}

// Who calls a symbol: its outermost frames, upside down.
function callersTree(tree, entities, symbol) {
  const builder = new TreeBuilder(symbol);
  for (const node of outermost(tree, entities, symbol)) {
    let at = 0;
    for (let up = tree.parent[node]; up > 0; up = tree.parent[up]) at = builder.child(at, tree.entity[up]);
    builder.self[at] += tree.total[node];
  }
  return builder.finish();
}

// What a symbol calls: the subtrees of its outermost frames as one.
function calleesTree(tree, entities, symbol) {
  const builder = new TreeBuilder(symbol);
  const place = new Int32Array(tree.size);
  for (const node of outermost(tree, entities, symbol)) {
    builder.self[0] += tree.self[node];
    place[node] = 0;
    for (let below = node + 1; below < tree.end[node]; ++below) {
      place[below] = builder.child(place[tree.parent[below]], tree.entity[below]);
      builder.self[place[below]] += tree.self[below];
    }
  }
  return builder.finish();
}

// Self and total of every symbol inside the subtree of `top`, a recursive one counted once a stack:
// [{symbol, self, total}].
function symbolTotals(tree, entities, top) {
  const rows = new Map();
  const path = [];  // symbols of the frames above the current one, inside `top`
  const open = new Map();  // symbol → how often it is on the path
  for (let node = top; node < tree.end[top]; ++node) {
    while (path.length > tree.depth[node] - tree.depth[top]) {
      const left = path.pop();
      open.set(left, open.get(left) - 1);
    }
    const {symbol} = entities[tree.entity[node]];
    const times = open.get(symbol) ?? 0;
    open.set(symbol, times + 1);
    path.push(symbol);
    if (symbol < 0) continue;
    let row = rows.get(symbol);
    if (row === undefined) rows.set(symbol, (row = {symbol, self: 0, total: 0}));
    row.self += tree.self[node];
    if (times === 0) row.total += tree.total[node];
  }
  return [...rows.values()];
}

// Entities from the root to a node, without the root.
function pathOf(tree, node) {
  const path = [];
  for (let at = node; at > 0; at = tree.parent[at]) path.unshift(tree.entity[at]);
  return path;
}

// The node a path leads to in another tree, as far as it goes.
function followPath(tree, path) {
  let at = 0;
  for (const entity of path) {
    let child = at + 1;
    while (child < tree.end[at] && tree.entity[child] !== entity) child = tree.end[child];
    if (child >= tree.end[at]) break;
    at = child;
  }
  return at;
}
