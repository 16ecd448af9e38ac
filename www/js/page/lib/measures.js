// @ts-check
/** What a head may do on a text, in words. @typedef {import('../../shared/inspection.js').MeasureName} MeasureName */

/** @type {Record<MeasureName, {label: string, means: string}>} */
export const measures = {
  previous: { label: 'previous token', means: 'looks at the token just before' },
  self: { label: 'itself', means: 'looks at the token itself' },
  same: { label: 'same token', means: 'looks at earlier places of the same token' },
  first: {
    label: 'first token',
    means: 'rests on the very first token, as heads do that find nothing to look for (a sink)',
  },
  induction: {
    label: 'induction',
    means: 'looks at what came after an earlier place of the same token, and so can go on with a repetition',
  },
  local: { label: 'nearby', means: 'looks at the token itself and the four before it' },
  spread: { label: 'spread', means: 'looks at everything about alike' },
};

export const measureNames = /** @type {MeasureName[]} */ (Object.keys(measures));
