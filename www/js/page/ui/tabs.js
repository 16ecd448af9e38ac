// @ts-check
import { h } from './dom.js';

/**
 * Views behind tabs; one is shown at a time. Arrow keys move between them.
 * Event: `view` with `{name}`.
 */
export class Tabs extends EventTarget {
  #list;
  /** @type {{name: string, tab: HTMLButtonElement, panel: HTMLElement}[]} */
  #views;
  element;
  #shown;

  /**
   * @param {string} label
   * @param {{name: string, title: string, panel: HTMLElement}[]} views
   */
  constructor(label, views) {
    super();
    this.#views = views.map(({ name, title, panel }) => {
      const tab = h(
        'button',
        { type: 'button', role: 'tab', id: `tab-${name}`, class: 'tab', 'aria-controls': `view-${name}`, tabindex: -1 },
        title,
      );
      panel.id = `view-${name}`;
      panel.setAttribute('role', 'tabpanel');
      panel.setAttribute('aria-labelledby', tab.id);
      tab.addEventListener('click', () => this.show(name));
      return { name, tab, panel };
    });
    this.#shown = views[0].name;
    this.#list = h(
      'div',
      { role: 'tablist', class: 'tabs', 'aria-label': label },
      ...this.#views.map(({ tab }) => tab),
    );
    this.#list.addEventListener('keydown', (event) => this.#keydown(event));
    this.element = h('div', { class: 'views' }, this.#list, ...this.#views.map(({ panel }) => panel));
    this.show(this.#shown);
  }

  get shown() {
    return this.#shown;
  }

  /** @param {string} name */
  show(name) {
    if (!this.#views.some((view) => view.name === name)) return;
    this.#shown = name;
    for (const { name: each, tab, panel } of this.#views) {
      tab.setAttribute('aria-selected', String(each === name));
      tab.tabIndex = each === name ? 0 : -1;
      panel.hidden = each !== name;
    }
    this.dispatchEvent(new CustomEvent('view', { detail: { name } }));
  }

  /** @param {KeyboardEvent} event */
  #keydown(event) {
    const at = this.#views.findIndex(({ name }) => name === this.#shown);
    const last = this.#views.length - 1;
    /** @type {Record<string, number>} */
    const steps = { ArrowRight: at === last ? 0 : at + 1, ArrowLeft: at === 0 ? last : at - 1, Home: 0, End: last };
    if (!(event.key in steps)) return;
    event.preventDefault();
    const { name, tab } = this.#views[steps[event.key]];
    this.show(name);
    tab.focus();
  }
}
