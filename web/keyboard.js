// Keys that work anywhere on the page, and the arrows that walk the graph.
class Keyboard {
  constructor(app) {
    this.app = app;
    document.addEventListener('keydown', (event) => this.press(event));
  }

  press(event) {
    if (event.ctrlKey || event.metaKey || event.altKey || document.querySelector('dialog[open]')) return;
    const typing = event.target.matches('input:not([type=checkbox]), select, textarea');
    if (typing ? this.whileTyping(event) : this.command(event) || this.arrow(event)) event.preventDefault();
  }

  whileTyping(event) {
    if (event.key === 'Escape') {
      if (event.target.id === 'search') this.app.setSearch('');
      byId('graph').focus({preventScroll: true});
      return true;
    }
    if (event.key === 'Enter' && event.target.id === 'search') {
      this.app.stepMatch(event.shiftKey ? -1 : 1);
      return true;
    }
    return false;
  }

  command(event) {
    const {app} = this;
    const commands = {
      '/': () => { byId('search').focus(); byId('search').select(); },
      '?': () => byId('help-dialog').showModal(),
      Escape: () => app.stepBack(),
      0: () => app.zoomTo(0),
      n: () => app.stepMatch(1),
      N: () => app.stepMatch(-1),
      f: () => app.setView('flame'),
      i: () => app.setView('icicle'),
      s: () => app.setView('sandwich'),
      l: () => app.profile.hasLines && byId('lines').click(),
      t: () => app.theme.toggle(),
      c: () => app.copyName(),
      C: () => app.copyStack(),
      1: () => showTab('functions'),
      2: () => showTab('processes'),
      3: () => showTab('details'),
    };
    if (!Object.hasOwn(commands, event.key)) return false;
    commands[event.key]();
    return true;
  }

  arrow(event) {
    if (event.target.id !== 'graph' && event.target !== document.body) return false;
    const {graph} = this.app;
    if (graph.tree === null) return false;
    const hit = graph.current;
    if (event.key === 'Enter') {
      if (hit !== null) this.app.pickFrame(hit);
      return true;
    }
    if (!['ArrowUp', 'ArrowDown', 'ArrowLeft', 'ArrowRight'].includes(event.key)) return false;
    const next = hit === null ? {tree: graph.tree, node: graph.zoom} : this.neighbour(graph, hit, event.key);
    if (next !== null) this.app.setCurrent(next);
    return true;
  }

  neighbour(graph, {tree, node}, key) {
    if (key === 'ArrowLeft' || key === 'ArrowRight') return this.sibling(tree, node, key === 'ArrowRight');
    const outward = (key === 'ArrowUp') === (graph.directionOf(tree) < 0);  // away from the root row
    if (outward) return this.child(tree, node);
    if (node !== 0) return {tree, node: tree.parent[node]};
    return graph.sandwich ? this.child(tree === graph.up ? graph.down : graph.up, 0) : null;
  }

  child(tree, node) { return node + 1 < tree.end[node] ? {tree, node: node + 1} : null; }

  // The next frame in the same row, whoever its parent is.
  sibling(tree, node, right) {
    const depth = tree.depth[node];
    for (let at = right ? tree.end[node] : node - 1; at >= 0 && at < tree.size; at += right ? 1 : -1) {
      if (tree.depth[at] === depth) return {tree, node: at};
    }
    return null;
  }
}
