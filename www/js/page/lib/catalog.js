// @ts-check
/**
 * The GPT-2 models that the page offers from the Hugging Face hub. Revisions are commits, so what they stand for can't
 * change; hashes are those of the files at these commits, and where none is known none is stated.
 */

/**
 * @typedef {import('../../shared/models.js').HubModel} HubModel
 * @typedef {{id: string, parameters: number, layers: number, width: number, model: HubModel}} Offer
 */

/** @typedef {import('../../shared/models.js').HubFile} HubFile */

/** @param {string} name @param {number | null} size @param {string} sha256 @returns {HubFile} */
const file = (name, size, sha256) => ({ name, size, sha256 });

const TOKENIZER = 1_355_256;
const tokenizer = file('tokenizer.json', 1_355_256, '8414cab924d8b9b33013f0d221c5862f365ee9be39c5c2bfae8a5a9e970478a6');
const vocabulary = [
  file('vocab.json', 1_042_301, '196139668be63f3b5d6574427317ae82f612a97c5d1cdaf36ed2256dbf636783'),
  file('merges.txt', 456_318, '1ce1664773c50f3e0cc8842619a93edc4624525b728b188a9e0be33b7726adc5'),
];

/**
 * @param {string} repository
 * @param {string} revision
 * @param {string} name
 * @param {string} licence
 * @param {HubFile[]} files   none where they have to be looked up
 * @returns {HubModel}
 */
const model = (repository, revision, name, licence, files) => ({
  repository,
  revision,
  name,
  licence,
  pinned: files.length > 0,
  files,
});

/** @type {readonly Offer[]} */
export const offers = [
  {
    id: 'distilgpt2',
    parameters: 81_912_576,
    layers: 6,
    width: 768,
    model: model('distilbert/distilgpt2', '2290a62682d06624634c1f46a6ad5be0f47f38aa', 'DistilGPT-2', 'apache-2.0', [
      file('config.json', 762, '4ec5947c1d59fee6212cdf3b0ec1a53eac02092554c5ff0a733488cbd2c64f3a'),
      tokenizer,
      file('model.safetensors', 352_824_413, 'e1ff18884359fe8beb795a5f414feb85a6ce3d929ad019c0d958c039d2b94a1b'),
    ]),
  },
  {
    id: 'gpt2',
    parameters: 124_439_808,
    layers: 12,
    width: 768,
    model: model('openai-community/gpt2', '607a30d783dfa663caf39e06633721c8d4cfcd7e', 'GPT-2 small', 'mit', [
      file('config.json', 665, '0daed7749b4f02b8f76240d5444551d7b08712dab4d0adb8239c56ba823bb7b4'),
      ...vocabulary,
      file('model.safetensors', 548_105_171, '248dfc3911869ec493c76e65bf2fcf7f615828b0254c12b473182f0f81d3a707'),
    ]),
  },
  {
    id: 'gpt2-medium',
    parameters: 354_823_168,
    layers: 24,
    width: 1024,
    model: model('openai-community/gpt2-medium', '6dcaa7a952f72f9298047fd5137cd6e4f05f41da', 'GPT-2 medium', 'mit', [
      file('config.json', 718, 'ef1a44d889ad1a0acc7731c78134f1b87d2d222f110e97dd10fd4117331caf22'),
      tokenizer,
      file('model.safetensors', 1_519_984_962, 'fc5a354a19255ad494f3d71549390baca1ccf61d1d822b9408971705c687c9cd'),
    ]),
  },
  {
    id: 'gpt2-large',
    parameters: 774_030_080,
    layers: 36,
    width: 1280,
    model: model('openai-community/gpt2-large', '32b71b12589c2f8d625668d2335a01cac3249519', 'GPT-2 large', 'mit', []),
  },
  {
    id: 'gpt2-xl',
    parameters: 1_557_611_200,
    layers: 48,
    width: 1600,
    model: model('openai-community/gpt2-xl', '15ea56dee5df4983c59b2538573817e1667135e2', 'GPT-2 XL', 'mit', [
      file('config.json', null, 'be48115d52314bc27327e160bf10197760db02ea689d10adb24db4102edf7a8a'),
      tokenizer,
      file('model.safetensors', null, '0f8b28eb05a8075f48b61b6f35332978c74fc7763fa9fb4051a1c30511736a6a'),
    ]),
  },
];

const POSITIONS = 1024;
/** What the masks that are fetched for comparison take: one of them. */
const MASK = 4 * POSITIONS * POSITIONS;
/** The engine without a model, the tokenizer, and what is needed for a while during a load. */
const ENGINE = 80e6;

/**
 * What a model takes, in bytes.
 * @param {Offer} offer
 */
export function needs({ parameters, layers, width }) {
  // One byte each, and four for the scale of 64.
  const weights = Math.round(parameters * (1 + 4 / 64));
  const caches = 3 * layers * width * POSITIONS * (1 + 4 / 64);
  return {
    // Four bytes each in the file; the causal masks of the other layers are not fetched.
    fetch: 4 * parameters + MASK + TOKENIZER,
    keep: weights + TOKENIZER,
    memory: Math.round(weights + caches + ENGINE),
  };
}
