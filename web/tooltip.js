// What a frame under the pointer says.
class Tooltip {
  constructor(profile, box) {
    this.profile = profile;
    this.box = box;
  }

  hide() { this.box.hidden = true; }

  // zoom: the node of the same tree to whose width shares are also given.
  show({tree, node}, zoom, event) {
    const entity = this.profile.entities[tree.entity[node]];
    const line = (name, count) => el('tr', {}, el('th', {}, name),
      el('td', {}, formatSeconds(this.profile.seconds(count))),
      el('td', {}, formatPercent(count, tree.total[0])),
      zoom > 0 && el('td', {}, formatPercent(count, tree.total[zoom])),
      el('td', {}, formatCount(count)));
    const where = [KINDS[entity.kind], entity.inlined && 'inlined', entity.module || entity.executable, placeOf(entity)];
    this.box.replaceChildren(
      el('p', {class: `name${entity.named === false ? ' unnamed' : ''}`}, entity.name),
      el('p', {class: 'origin'}, el('span', {class: `swatch ${KINDS[entity.kind]}`}), where.filter(Boolean).join(' · ')),
      el('table', {}, el('thead', {}, el('tr', {}, el('th'), el('th', {}, 'time'), el('th', {}, 'of all'),
        zoom > 0 && el('th', {}, 'of zoom'), el('th', {}, 'samples'))),
      el('tbody', {}, line('total', tree.total[node]), line('self', tree.self[node]))));
    this.box.hidden = false;
    const {width, height} = this.box.getBoundingClientRect();
    const left = Math.min(event.clientX + 14, innerWidth - width - 8);
    const below = event.clientY + 18;
    this.box.style.left = `${Math.max(8, left)}px`;
    this.box.style.top = `${below + height > innerHeight - 8 ? Math.max(8, event.clientY - height - 12) : below}px`;
  }
}
