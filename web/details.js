// What is known about one function: where it is from, what it costs, who calls it, what it calls.
class Details {
  // on: {pick(symbol), sandwich(symbol), copyStack(), search(text)}
  constructor(profile, panel, on) {
    this.profile = profile;
    this.panel = panel;
    this.on = on;
    this.clear();
  }

  clear() {
    this.panel.replaceChildren(el('div', {class: 'nothing'}, 'Click a frame or a function to see where it is from, who calls it and what it calls.'));
  }

  // hit: the frame it was picked by, if any; tree: the call tree the figures are taken from.
  show(symbol, hit, tree) {
    const {entities} = this.profile;
    const entity = entities[symbol];
    const callers = callersTree(tree, entities, symbol);
    const callees = calleesTree(tree, entities, symbol);
    const whole = tree.total[0];
    const figure = (name, count) => el('div', {}, el('dt', {}, name), el('dd', {},
      el('strong', {}, formatPercent(count, whole)), ` ${formatSeconds(this.profile.seconds(count))}`,
      el('small', {}, `${formatCount(count)} ${count === 1 ? 'sample' : 'samples'}`)));
    const action = (text, title, run) => el('button', {type: 'button', class: 'plain', title, onclick: run}, text);
    this.panel.replaceChildren(
      el('h2', {class: entity.named ? '' : 'unnamed'}, entity.name),
      el('p', {class: 'origin'},
        el('span', {class: `swatch ${KINDS[entity.kind]}`, 'aria-hidden': 'true'}),
        [KINDS[entity.kind], entity.inlined && 'inlined', entity.module, placeOf(entity)].filter(Boolean).join(' · ')),
      el('dl', {class: 'cost'}, figure('Total', callees.total[0]), figure('Self', this.selfOf(tree, symbol))),
      el('div', {class: 'actions'},
        action('Sandwich', 'Callers and callees in the graph (s)', () => this.on.sandwich(symbol)),
        action('Copy name', 'c', () => copyText(entity.name, 'Name')),
        hit && action('Copy stack', 'Shift+C', () => this.on.copyStack()),
        action('Find', 'Search for this name', () => this.on.search(entity.name))),
      ...this.relatives('Called by', callers, callees.total[0]),
      ...this.relatives('Calls', callees, callees.total[0]));
  }

  selfOf(tree, symbol) {
    let self = 0;
    for (let node = 0; node < tree.size; ++node) {
      if (this.profile.entities[tree.entity[node]].symbol === symbol) self += tree.self[node];
    }
    return self;
  }

  relatives(title, tree, whole) {
    const rows = [];
    for (let node = 1; node < tree.size && rows.length < 12; node = tree.end[node]) {
      const entity = this.profile.entities[tree.entity[node]];
      rows.push(el('li', {},
        el('button', {type: 'button', class: 'row relative', disabled: entity.symbol < 0, title: entity.full, onclick: () => this.on.pick(entity.symbol)},
          el('span', {class: 'figure'}, formatPercent(tree.total[node], whole)),
          el('span', {class: 'label'}, el('span', {class: `swatch ${KINDS[entity.kind]}`, 'aria-hidden': 'true'}),
            el('span', {class: `name${entity.named === false ? ' unnamed' : ''}`}, entity.name)),
          bar(tree.total[node] / whole, KINDS[entity.kind]))));
    }
    return [el('h3', {}, title), rows.length ? el('ul', {class: 'relatives'}, ...rows) : el('p', {class: 'none'}, 'nothing seen')];
  }
}
