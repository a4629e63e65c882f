// A long list of which only the rows in sight exist as elements. The keyboard moves one current row.
class VirtualList {
  // render(index) makes a row's element; on: {pick(index), open(index)}.
  constructor(label, rowHeight, render, on) {
    this.rowHeight = rowHeight;
    this.render = render;
    this.on = on;
    this.count = 0;
    this.current = -1;
    this.body = el('div', {class: 'rows', role: 'presentation'});
    this.root = el('div', {class: 'list', tabindex: '0', role: 'listbox', 'aria-label': label}, this.body);
    this.root.addEventListener('scroll', () => this.refresh());
    this.root.addEventListener('keydown', (event) => this.key(event));
    new ResizeObserver(() => this.refresh()).observe(this.root);
  }

  setCount(count) {
    this.count = count;
    this.current = Math.min(this.current, count - 1);
    this.body.style.height = `${count * this.rowHeight}px`;
    this.refresh();
  }

  refresh() {
    const first = Math.max(0, Math.floor(this.root.scrollTop / this.rowHeight) - 4);
    const last = Math.min(this.count, first + Math.ceil(this.root.clientHeight / this.rowHeight) + 8);
    const rows = [];
    for (let i = first; i < last; ++i) {
      const row = this.render(i);
      row.id = `${this.root.id}-${i}`;
      row.setAttribute('role', 'option');
      row.setAttribute('aria-setsize', this.count);
      row.setAttribute('aria-posinset', i + 1);
      row.classList.toggle('current', i === this.current);
      row.style.top = `${i * this.rowHeight}px`;
      rows.push(row);
    }
    this.body.replaceChildren(...rows);
    if (this.current >= 0) this.root.setAttribute('aria-activedescendant', `${this.root.id}-${this.current}`);
    else this.root.removeAttribute('aria-activedescendant');
  }

  go(index) {
    if (this.count === 0) return;
    this.current = Math.min(Math.max(index, 0), this.count - 1);
    const top = this.current * this.rowHeight;
    const {scrollTop, clientHeight} = this.root;
    if (top < scrollTop) this.root.scrollTop = top;
    if (top + this.rowHeight > scrollTop + clientHeight) this.root.scrollTop = top + this.rowHeight - clientHeight;
    this.refresh();
  }

  key(event) {
    const page = Math.max(1, Math.floor(this.root.clientHeight / this.rowHeight) - 1);
    const steps = {ArrowDown: 1, ArrowUp: -1, PageDown: page, PageUp: -page, Home: -this.count, End: this.count};
    if (event.key in steps) this.go(this.current + steps[event.key]);
    else if (event.key === ' ' && this.current >= 0) this.on.pick(this.current);
    else if (event.key === 'Enter' && this.current >= 0) this.on.open(this.current);
    else return;
    event.preventDefault();
    event.stopPropagation();
  }
}
