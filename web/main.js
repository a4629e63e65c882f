// State of the page and what happens when it changes.
class App {
  constructor(profile) {
    this.profile = profile;
    this.options = {group: 'program', lines: false, threads: null, hidden: new Set()};
    this.view = 'flame';
    this.zoomPath = [];      // entities, so that a zoom outlives a new tree
    this.matcher = null;
    this.spotlight = -1;     // symbol picked in the table
    this.selected = -1;      // symbol shown in the details
    this.focus = -1;         // symbol in the middle of the sandwich
    this.tooltip = new Tooltip(profile, byId('tip'));
    this.graph = new FlameGraph(profile, byId('scroller'), byId('spacer'), byId('graph'), {
      hover: (hit, event) => (hit ? this.tooltip.show(hit, this.inSandwich ? 0 : this.graph.zoom, event) : this.tooltip.hide()),
      pick: (hit) => this.pickFrame(hit),
      menu: (hit, event) => this.openMenu(hit, event),
    });
    this.table = new FunctionTable(profile, byId('panel-functions'), {
      pick: (symbol) => this.pickSymbol(symbol),
      open: (symbol) => this.showSandwich(symbol),
    });
    this.filter = new ProcessFilter(profile, byId('panel-processes'), {
      change: (threads) => this.rebuild({threads}),
    });
    this.details = new Details(profile, byId('panel-details'), {
      pick: (symbol) => this.select(symbol, null),
      sandwich: (symbol) => this.showSandwich(symbol),
      copyStack: () => this.copyStack(),
      search: (text) => this.setSearch(text.replace(/[.*+?^${}()|[\]\\]/g, '\\$&')),
    });
    this.theme = new Theme(byId('theme'), (theme) => this.paint(theme));
  }

  get inSandwich() { return this.view === 'sandwich'; }
  entity(hit) { return this.profile.entities[hit.tree.entity[hit.node]]; }

  start() {
    fillHeader(this.profile);
    fillQualityDialog(byId('quality-dialog'), this.profile);
    fillHelpDialog(byId('help-dialog'), this.profile);
    this.wireTools();
    this.wireMenu();
    wireTabs();
    wireSplitter(byId('splitter'), byId('main'));
    new Keyboard(this);
    this.legend = new Legend(this.profile, byId('legend'), (hidden) => this.rebuild({hidden}));
    this.theme.apply();
    this.rebuild({});
  }

  wireTools() {
    for (const button of byId('views').children) button.addEventListener('click', () => this.setView(button.dataset.view));
    const group = byId('group');
    for (const [key, {label}] of Object.entries(GROUPINGS)) {
      if (key !== 'container' || this.profile.hasContainers) group.append(el('option', {value: key}, label));
    }
    group.addEventListener('change', () => this.rebuild({group: group.value}));
    byId('lines-label').hidden = !this.profile.hasLines;
    byId('lines').addEventListener('change', (event) => this.rebuild({lines: event.target.checked}));
    byId('search').addEventListener('input', (event) => this.setSearch(event.target.value));
    byId('clear-search').addEventListener('click', () => this.setSearch(''));
    byId('reset').addEventListener('click', () => this.zoomTo(0));
    byId('quality').addEventListener('click', () => byId('quality-dialog').showModal());
    byId('help').addEventListener('click', () => byId('help-dialog').showModal());
    for (const dialog of document.querySelectorAll('dialog')) {
      dialog.addEventListener('click', (event) => event.target === dialog && dialog.close());
    }
  }

  paint(theme) {
    this.graph.theme = theme;
    this.graph.draw();
  }

  // --- the tree --------------------------------------------------------------------------------------------------

  rebuild(change) {
    Object.assign(this.options, change);
    this.tree = buildTree(this.profile, this.options);
    this.showTree();
  }

  showTree() {
    const node = followPath(this.tree, this.zoomPath);
    this.zoomPath = pathOf(this.tree, node);
    if (this.inSandwich && this.focus >= 0) {
      this.graph.setScene({
        up: callersTree(this.tree, this.profile.entities, this.focus),
        down: calleesTree(this.tree, this.profile.entities, this.focus),
      });
      this.graph.current = {tree: this.graph.down, node: 0};
      this.graph.draw();
    } else {
      this.graph.setScene(this.view === 'flame' ? {up: this.tree} : {down: this.tree}, node);
    }
    for (const button of byId('views').children) button.setAttribute('aria-checked', String(button.dataset.view === this.view));
    this.legend.show(this.tree);
    this.tellEmpty();
    this.zoomChanged();
    if (this.selected >= 0) this.details.show(this.selected, null, this.tree);
  }

  tellEmpty() {
    const box = byId('empty');
    const waiting = this.inSandwich && this.focus < 0;
    box.hidden = this.tree.total[0] > 0 && !waiting;
    byId('scroller').classList.toggle('veiled', !box.hidden);
    if (box.hidden) return;
    if (this.profile.total === 0) {
      box.replaceChildren(el('h2', {}, 'No samples in this window'),
        el('p', {}, 'Nothing that was to be profiled ran on a CPU in this time. A longer window or a higher frequency (-d, -f) sees more; the data-quality line above says whether samples were lost.'));
    } else if (waiting) {
      box.replaceChildren(el('h2', {}, 'Choose a function'),
        el('p', {}, 'Click one in the table, or a frame in the graph before switching here: its callers will stand above it, what it calls below.'));
    } else {
      box.replaceChildren(el('h2', {}, 'Everything is filtered out'), el('p', {}, 'No sample passes the filters by process and kind.'),
        el('button', {type: 'button', class: 'plain', onclick: () => { this.legend.clear(); this.filter.clear(); }}, 'Show everything'));
    }
  }

  setView(view) {
    if (view === 'sandwich' && this.selected >= 0) this.focus = this.selected;
    this.view = view;
    this.showTree();
  }

  showSandwich(symbol) {
    if (symbol < 0) return;
    this.focus = symbol;
    this.view = 'sandwich';
    this.select(symbol, null, false);
    this.showTree();
  }

  // --- zoom ------------------------------------------------------------------------------------------------------

  get zoom() { return followPath(this.tree, this.zoomPath); }

  zoomTo(node) {
    if (this.inSandwich) this.view = 'flame';
    this.zoomPath = pathOf(this.tree, node);
    if (this.graph.tree === this.tree) this.graph.zoomTo(node);
    else this.showTree();
    this.zoomChanged();
  }

  zoomChanged() {
    const {zoom} = this;
    byId('reset').disabled = zoom === 0 && !this.inSandwich;
    this.showCrumbs(zoom);
    const rows = symbolTotals(this.tree, this.profile.entities, zoom);
    const name = this.profile.entities[this.tree.entity[zoom]].text;
    this.table.show(rows, this.tree.total[zoom] || 1, zoom === 0 ? '' : name);
    this.showMatches();
  }

  showCrumbs(zoom) {
    const crumbs = byId('crumbs');
    if (this.inSandwich && this.focus >= 0) {
      crumbs.replaceChildren(el('p', {}, 'Callers above, callees below: ', el('strong', {}, this.profile.entities[this.focus].text)),
        el('span', {class: 'share'}, formatPercent(this.graph.down.total[0], this.tree.total[0])));
      return;
    }
    const nodes = [];
    for (let node = zoom; node >= 0; node = this.tree.parent[node]) nodes.unshift(node);
    const text = (node) => this.profile.entities[this.tree.entity[node]].text;
    crumbs.replaceChildren(el('ol', {}, ...nodes.map((node) => el('li', {},
      el('button', {type: 'button', title: text(node), 'aria-current': node === zoom ? 'true' : false, onclick: () => this.zoomTo(node)}, text(node))))),
    el('span', {class: 'share'}, `${formatSeconds(this.profile.seconds(this.tree.total[zoom]))}${zoom > 0 ? ` · ${formatPercent(this.tree.total[zoom], this.tree.total[0])}` : ''}`));
    crumbs.firstChild.scrollLeft = crumbs.firstChild.scrollWidth;
  }

  // --- search and light ------------------------------------------------------------------------------------------

  setSearch(text) {
    const box = byId('search');
    if (box.value !== text) box.value = text;
    this.matcher = makeMatcher(text);
    this.spotlight = -1;
    this.table.filter(this.matcher, text);
    this.match = -1;
    this.showMatches();
  }

  showMatches() {
    const output = byId('matched');
    byId('clear-search').hidden = this.matcher === null;
    if (this.matcher !== null) {
      const {zoom} = this;
      this.found = findMatches(this.tree, this.profile.entities, zoom, this.matcher);
      output.textContent = this.found.nodes.length === 0 ? 'no match' : `${formatPercent(this.found.samples, this.tree.total[zoom])} matched`;
      output.title = this.matcher.literal ? 'Not a regular expression: taken as plain text' : 'Share of samples with a matching frame';
    } else {
      output.textContent = '';
    }
    this.light();
  }

  light() {
    const {matcher, spotlight} = this;
    this.graph.lit = matcher ?? (spotlight >= 0 ? (entity) => entity.symbol === spotlight : null);
    this.graph.draw();
  }

  // Puts the ring on the next match, heaviest first.
  stepMatch(step) {
    if (this.matcher === null || this.graph.tree !== this.tree || this.found.nodes.length === 0) return;
    const count = this.found.nodes.length;
    this.match = (this.match + step + count) % count;
    this.setCurrent({tree: this.tree, node: this.found.nodes[this.match]});
  }

  // --- frames and functions --------------------------------------------------------------------------------------

  pickFrame(hit) {
    this.tooltip.hide();
    this.closeMenu();
    if (hit === null) return;
    this.setCurrent(hit);
    if (this.inSandwich) {
      if (hit.node !== 0) this.showSandwich(this.entity(hit).symbol);
    } else {
      this.zoomTo(hit.node);
    }
  }

  setCurrent(hit) {
    this.graph.current = hit;
    if (hit !== null) {
      this.graph.reveal(hit.tree, hit.node);
      const entity = this.entity(hit);
      byId('live').textContent = `${entity.text}, ${KINDS[entity.kind]}, total ${formatPercent(hit.tree.total[hit.node], hit.tree.total[0])}, self ${formatPercent(hit.tree.self[hit.node], hit.tree.total[0])}`;
      if (entity.symbol >= 0) this.select(entity.symbol, hit, false);
    }
    this.graph.draw();
  }

  select(symbol, hit, show = true) {
    if (symbol < 0) return;
    this.selected = symbol;
    this.details.show(symbol, hit, this.tree);
    if (show) showTab('details');
  }

  pickSymbol(symbol) {
    const again = this.spotlight === symbol;
    this.spotlight = again ? -1 : symbol;
    this.graph.current = null;
    this.table.mark(this.spotlight);
    this.select(symbol, null, false);
    if (this.inSandwich) {
      this.focus = symbol;
      this.showTree();
    }
    this.light();
  }

  stackText(hit) {
    const names = [];
    for (let node = hit.node; node > 0; node = hit.tree.parent[node]) names.push(this.profile.entities[hit.tree.entity[node]].full);
    return names.join('\n');
  }

  // From the frame to its root, one a line, as debuggers print stacks.
  copyStack(hit = this.graph.current) {
    if (hit) copyText(this.stackText(hit), 'Stack');
  }
  copyName(hit = this.graph.current) {
    if (hit) copyText(this.entity(hit).name, 'Name');
    else if (this.selected >= 0) copyText(this.profile.entities[this.selected].name, 'Name');
  }

  openMenu(hit, event) {
    const entity = this.entity(hit);
    const item = (text, run, possible = true) => possible && el('button', {type: 'button', role: 'menuitem', onclick: () => { this.closeMenu(); run(); }}, text);
    this.tooltip.hide();
    this.setCurrent(hit);
    const menu = byId('menu');
    menu.replaceChildren(...[
      item('Zoom to this frame', () => this.zoomTo(hit.node), !this.inSandwich),
      item('Callers and callees', () => this.showSandwich(entity.symbol), entity.symbol >= 0),
      item('Details', () => showTab('details'), entity.symbol >= 0),
      item('Copy name', () => this.copyName(hit)),
      item('Copy stack', () => this.copyStack(hit), hit.node > 0),
    ].filter(Boolean));
    menu.hidden = false;
    const {width, height} = menu.getBoundingClientRect();
    menu.style.left = `${Math.min(event.clientX, innerWidth - width - 8)}px`;
    menu.style.top = `${Math.min(event.clientY, innerHeight - height - 8)}px`;
    menu.firstChild.focus();
  }

  // Arrows move inside the menu; a press anywhere else closes it.
  wireMenu() {
    const menu = byId('menu');
    menu.addEventListener('keydown', (event) => {
      const next = {ArrowDown: 'nextElementSibling', ArrowUp: 'previousElementSibling'}[event.key];
      if (next === undefined) return;
      event.target[next]?.focus();
      event.preventDefault();
      event.stopPropagation();
    });
    document.addEventListener('pointerdown', (event) => menu.contains(event.target) || this.closeMenu());
  }

  closeMenu() { byId('menu').hidden = true; }

  // Esc: undo the last thing that narrows the view.
  stepBack() {
    if (!byId('menu').hidden) this.closeMenu();
    else if (this.matcher !== null) this.setSearch('');
    else if (this.spotlight >= 0) this.pickSymbol(this.spotlight);
    else if (this.inSandwich) this.setView('flame');
    else if (this.zoom > 0) this.zoomTo(this.tree.parent[this.zoom]);
    byId('graph').focus({preventScroll: true});
  }
}

async function main() {
  let profile;
  try {
    profile = await readProfile();
  } catch (error) {
    const old = typeof DecompressionStream === 'undefined';
    byId('empty').hidden = false;
    byId('empty').append(el('h2', {}, old ? 'This browser is too old' : 'This file is damaged'),
      el('p', {}, old ? 'It cannot unpack the profile. Firefox 113, Chrome 80, Safari 16.4 and later can.' : String(error)));
    return;
  }
  const app = new App(profile);
  app.start();
  document.documentElement.dataset.ready = 'true';
  globalThis.gprofiler = app;  // for the console, and for the browser test
}

main();
