// @ts-check
/** The composition root: builds the controllers, shows the errors that any of them meets, and starts. */
import { App } from './app.js';
import { BranchController } from './branches.js';
import { Engine } from './engine.js';
import { GenerateController } from './generate.js';
import { isolate } from './isolation.js';
import { makeRoomForKeyboard } from './keyboard-room.js';
import { adviceFor } from './lib/advice.js';
import { LookController } from './look.js';
import { MeterController } from './meter.js';
import { ModelController } from './model.js';
import { ModelsController } from './models.js';
import { PersonalController } from './personal.js';
import { SettingsKeeper } from './settings.js';
import { Announcer } from './ui/announcer.js';
import { byId } from './ui/dom.js';
import { StatusLine } from './ui/status-line.js';
import { TextField } from './ui/text-field.js';
import { WriteController } from './write.js';

/** @typedef {import('../shared/protocol.js').EngineError} EngineError */

const app = new App(new Engine(), new SettingsKeeper());
const field = new TextField();
const status = new StatusLine();
const announcer = new Announcer();
byId('status-place', HTMLElement).append(status.element);
document.body.append(announcer.element);
makeRoomForKeyboard(byId('text', HTMLTextAreaElement));

const personal = new PersonalController(app, { field });
const write = new WriteController(app, { field, status, announcer, personal });
new GenerateController(app, { field, announcer, resume: () => write.suggest(performance.now()) });
new LookController(app, { field });
new BranchController(app, { field });
new MeterController(app, { field });
const model = new ModelController(app);
const models = new ModelsController(app, model);

app.addEventListener('error', (event) => {
  const { code, message } = /** @type {CustomEvent<EngineError>} */ (event).detail;
  const { title, advice } = adviceFor(code);
  status.fail(`${title}: ${message}. ${advice}`);
});
app.addEventListener('state', () => {
  if (app.state === 'ready') announcer.tell(`${app.model?.name} is ready.`);
});

// Safari may keep the engine's memory over a reload unless the worker is ended first.
addEventListener('pagehide', (event) => {
  if (!event.persisted) app.engine.close();
});

// Before anything large is fetched, since the page may have to be loaded again.
model.prepare();
isolate().then(() => {
  model.start();
  // A link may name one of the models that the page offers; it is then shown what fetching it would mean, and nothing else.
  models.offer(new URLSearchParams(location.search).get('model') ?? '');
});
