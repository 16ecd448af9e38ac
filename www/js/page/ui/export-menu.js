// @ts-check
import { h } from './dom.js';

/** @typedef {'svg' | 'png' | 'csv' | 'json' | 'npy'} Format */

/** @type {Record<Format, string>} */
const names = { svg: 'SVG', png: 'PNG', csv: 'CSV', json: 'JSON', npy: 'NPY' };

/**
 * Taking away what is shown: a link to all of it, a figure, its numbers.
 * Events: `link`, `save` with `{format}`.
 */
export class ExportMenu extends EventTarget {
  #note = h('span', { class: 'note', role: 'status' });
  #link = h('button', { type: 'button', class: 'plain compact', id: 'copy-link' }, 'Copy link');
  #buttons = Object.entries(names).map(([format, name]) =>
    h('button', { type: 'button', class: 'plain compact', 'data-format': format }, name),
  );
  element;

  /** @param {string | null} part   what of the view is saved, or null for all of it, of which there is a link too */
  constructor(part = null) {
    super();
    this.element = h(
      'div',
      { class: 'take', role: 'group', 'aria-label': part ? `Save ${part}` : 'Take this view away' },
      ...(part ? [] : [this.#link]),
      h('span', { class: 'note' }, part ? `Save ${part} as` : 'Save as'),
      ...this.#buttons,
      this.#note,
    );
    this.#link.addEventListener('click', () => this.dispatchEvent(new Event('link')));
    for (const button of this.#buttons) {
      button.addEventListener('click', () => {
        this.dispatchEvent(new CustomEvent('save', { detail: { format: button.dataset.format } }));
      });
    }
  }

  /** @param {string} note */
  tell(note) {
    this.#note.textContent = note;
  }
}

/**
 * Hands a file to the browser to keep.
 * @param {string} name
 * @param {string | Uint8Array<ArrayBuffer> | Blob} content
 * @param {string} type
 */
export function saveFile(name, content, type) {
  const url = URL.createObjectURL(content instanceof Blob ? content : new Blob([content], { type }));
  h('a', { href: url, download: name }).click();
  // The download may begin a moment later.
  setTimeout(() => URL.revokeObjectURL(url), 10_000);
}

/**
 * @param {string} svg
 * @param {number} scale
 * @returns {Promise<Blob>}
 */
export async function svgToPng(svg, scale) {
  const image = new Image();
  image.src = `data:image/svg+xml;charset=utf-8,${encodeURIComponent(svg)}`;
  await image.decode();
  const canvas = h('canvas', { width: image.naturalWidth * scale, height: image.naturalHeight * scale });
  canvas.getContext('2d')?.drawImage(image, 0, 0, canvas.width, canvas.height);
  return new Promise((resolve, reject) => {
    canvas.toBlob((blob) => (blob ? resolve(blob) : reject(new Error('the picture is too large'))), 'image/png');
  });
}
