// @ts-check
import { formatBytes, formatCount, formatLarge } from '../lib/format.js';
import { h } from './dom.js';

/** @typedef {import('../../shared/protocol.js').ModelInfo} ModelInfo */

/** Which model this is, as it describes itself. */
export class ModelCard {
  element = h('dl', { class: 'model-card', id: 'model' });

  /** @param {ModelInfo} model */
  update(model) {
    const rows = [
      ['Model', model.name],
      [
        'Shape',
        `${formatCount(model.layers)} layers × ${formatCount(model.heads)} heads, width ${formatCount(model.width)}`,
      ],
      ['Parameters', formatLarge(model.parameters)],
      ['Weights in memory', formatBytes(model.bytes)],
      ['Vocabulary', `${formatCount(model.vocabulary)} tokens`],
      ['Longest context', `${formatCount(model.positions)} tokens`],
      ['Source', model.source || 'not stated'],
      ['Licence', model.licence || 'not stated'],
      ['Engine build', model.variant],
    ];
    this.element.replaceChildren(
      ...rows.map(([name, value]) => h('div', {}, h('dt', {}, name), h('dd', {}, h('bdi', {}, value)))),
    );
  }
}
