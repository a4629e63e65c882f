// Elements are made here and only here. Names in a profile may hold anything: they become text nodes, never markup.

const byId = (id) => document.getElementById(id);

// el('p', {class: 'a', onclick: f, hidden: true}, 'text', child): attributes by name, handlers by "on…".
function el(tag, attributes = {}, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (name.startsWith('on')) element.addEventListener(name.slice(2), value);
    else if (value === true) element.setAttribute(name, '');
    else if (value !== false && value !== undefined) element.setAttribute(name, value);
  }
  element.append(...children.filter((child) => child !== undefined && child !== null && child !== false && child !== ''));
  return element;
}

// A bar as wide as a share of its box.
function bar(share, kind) {
  const element = el('span', {class: `bar ${kind ?? ''}`});
  element.style.setProperty('--share', Math.min(1, share));
  return element;
}

function toast(text) {
  const box = byId('toast');
  box.textContent = text;
  box.classList.add('shown');
  clearTimeout(toast.timer);
  toast.timer = setTimeout(() => box.classList.remove('shown'), 1600);
}

// The clipboard's modern form is missing where a page came over plain http.
async function copyText(text, what) {
  try {
    await navigator.clipboard.writeText(text);
  } catch {
    const area = el('textarea', {class: 'unseen', 'aria-hidden': 'true'});
    area.value = text;
    document.body.append(area);
    area.select();
    document.execCommand('copy');
    area.remove();
  }
  toast(`${what} copied`);
}
