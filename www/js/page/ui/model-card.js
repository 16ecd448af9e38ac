// @ts-check
import { describeBuild } from '../lib/build.js';
import { formatBytes, formatCount, formatLarge } from '../lib/format.js';
import { h } from './dom.js';

/**
 * @typedef {import('../../shared/protocol.js').ModelInfo} ModelInfo
 * @typedef {import('../../shared/protocol.js').Tuning} Tuning
 */

/** @type {Readonly<Record<import('../../shared/models.js').Keeping['verified'], string>>} */
const checks = {
  pinned: 'by the SHA-256 that this page knows',
  stated: 'unverified: by the SHA-256 that the hub states',
  parts: 'by the SHA-256 of each part',
  none: 'unverified',
};

/** Which model this is, as it describes itself, and what runs it. */
export class ModelCard {
  element = h('dl', { class: 'model-card', id: 'model' });

  /**
   * @param {ModelInfo} model
   * @param {Tuning['times']} [times]   with each number of threads that was tried
   */
  update(model, times = []) {
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
      ['Checked', checks[model.keeping.verified]],
      ['Kept on this device', model.keeping.key ? 'yes, for the next visit' : 'no'],
    ];
    const { summary, reasons } = describeBuild(model, times);
    this.element.replaceChildren(
      ...rows.map(([name, value]) => h('div', {}, h('dt', {}, name), h('dd', {}, h('bdi', {}, value)))),
      h(
        'div',
        { class: 'engine-build', 'data-variant': model.variant, 'data-threads': model.threads },
        h('dt', {}, 'Engine'),
        h('dd', {}, summary, ...reasons.map((reason) => h('p', { class: 'note' }, reason))),
      ),
    );
  }
}
