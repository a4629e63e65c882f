// The table of functions: self and total of what the graph shows, inside the zoomed frame.
class FunctionTable {
  // on: {pick(symbol), open(symbol)}
  constructor(profile, panel, on) {
    this.profile = profile;
    this.sort = 'self';
    this.descending = true;
    this.all = [];
    this.rows = [];
    this.matches = null;
    this.picked = -1;
    const head = (key, text, title) => el('button', {type: 'button', class: `head ${key}`, title, onclick: () => this.sortBy(key)}, text);
    this.heads = {
      self: head('self', 'Self', 'Samples in which the function itself was running'),
      total: head('total', 'Total', 'Samples with the function anywhere on the stack'),
      name: head('name', 'Function', 'By name'),
    };
    this.scope = el('p', {class: 'scope'});
    this.list = new VirtualList('Functions', 30, (i) => this.row(this.rows[i]), {
      pick: (i) => on.pick(this.rows[i].symbol),
      open: (i) => on.open(this.rows[i].symbol),
    });
    this.list.root.id = 'functions';
    this.nothing = el('div', {class: 'nothing', hidden: true});
    panel.append(this.scope, el('div', {class: 'heads'}, ...Object.values(this.heads)), this.list.root, this.nothing);
    this.on = on;
    this.markSort();
  }

  // inside: the name of the frame the figures are limited to, or ''.
  show(rows, whole, inside) {
    this.all = rows;
    this.whole = whole;
    this.inside = inside;
    this.update();
  }

  // matches: entity → boolean, or null for no search.
  filter(matches, text) {
    this.matches = matches;
    this.text = text;
    this.update();
  }

  mark(symbol) {
    this.picked = symbol;
    this.list.refresh();
  }

  sortBy(key) {
    this.descending = this.sort === key ? !this.descending : key !== 'name';
    this.sort = key;
    this.markSort();
    this.update();
  }

  markSort() {
    for (const [key, button] of Object.entries(this.heads)) {
      const way = key !== this.sort ? '' : this.descending ? 'down' : 'up';
      button.dataset.sorted = way;
      button.setAttribute('aria-label', `Sort by ${key}${way && `, sorted ${way === 'down' ? 'descending' : 'ascending'}`}`);
    }
  }

  update() {
    const {entities} = this.profile;
    const way = this.descending ? -1 : 1;
    const other = this.sort === 'self' ? 'total' : 'self';
    const byName = (a, b) => entities[a.symbol].name.localeCompare(entities[b.symbol].name, 'en');
    this.rows = this.all.filter((row) => this.matches === null || this.matches(entities[row.symbol]));
    this.rows.sort(this.sort === 'name' ? (a, b) => way * byName(a, b)
      : (a, b) => way * (a[this.sort] - b[this.sort]) || b[other] - a[other] || byName(a, b));
    const count = this.matches === null ? formatCount(this.rows.length) : `${formatCount(this.rows.length)} of ${formatCount(this.all.length)}`;
    this.scope.replaceChildren(`${count} functions`, ...(this.inside ? [' inside ', el('strong', {}, this.inside)] : []));
    this.nothing.hidden = this.rows.length > 0;
    this.list.root.hidden = this.rows.length === 0;
    this.nothing.textContent = this.matches === null ? 'No functions here.' : `No function matches “${this.text}”.`;
    this.list.setCount(this.rows.length);
  }

  row({symbol, self, total}) {
    const entity = this.profile.entities[symbol];
    const figure = (count, name) => el('span', {class: `figure ${name}`, title: `${formatCount(count)} samples, ${formatSeconds(this.profile.seconds(count))}`},
      formatPercent(count, this.whole));
    return el('div', {
      class: `row function${symbol === this.picked ? ' picked' : ''}`,
      'aria-selected': symbol === this.picked ? 'true' : 'false',
      title: entity.full,
      onclick: () => this.on.pick(symbol),
      ondblclick: () => this.on.open(symbol),
    }, figure(self, 'self'), figure(total, 'total'),
    el('span', {class: 'label'},
      el('span', {class: `swatch ${KINDS[entity.kind]}`, 'aria-hidden': 'true'}),
      el('span', {class: `name${entity.named ? '' : ' unnamed'}`}, entity.name),
      el('span', {class: 'place'}, isInterpreted(entity.kind) ? placeOf(entity) : entity.module)),
    bar(total / this.whole, `total ${KINDS[entity.kind]}`), bar(self / this.whole, KINDS[entity.kind]));
  }
}
