import { ask } from './api.js';
import { el } from './dom.js';
import { counted } from './words.js';

const lookMs = 5_000;

/** How far what is shown lies behind the log, kept up to date while somebody looks. */
export function showFreshness(place) {
  async function look() {
    if (!document.hidden) await show();
    setTimeout(look, lookMs);
  }
  async function show() {
    try {
      const { items } = await ask('/v1/projections');
      const lag = Math.max(0, ...items.map((item) => item.lag));
      const cut = items.find(({ projection }) => projection === 'entities')?.cut ?? 'none yet';
      const halted = items.filter(({ state }) => state === 'halted');
      const paused = items.filter(({ state }) => state === 'paused' || state === 'starting');
      if (halted.length > 0) tell('bad', `${names(halted)} halted`, halted[0].fault?.detail ?? '', cut);
      else if (paused.length > 0) tell('odd', `${names(paused)} ${paused[0].state}`, '', cut);
      else if (lag > 0) tell('odd', `${counted(lag, 'event')} behind`, '', cut);
      else tell('good', 'up to date', '', cut);
    } catch (error) {
      tell('bad', error.status === 401 ? 'not signed in' : 'no answer', error.message, '');
    }
  }
  let last = '';
  function tell(mood, text, why, cut) {
    // The same words again would be read out again.
    if (last === `${mood} ${text} ${cut}`) return;
    last = `${mood} ${text} ${cut}`;
    place.className = `freshness ${mood}`;
    place.title = [`All before ${cut} (epoch:next of each partition) is shown.`, why].join(' ').trim();
    place.replaceChildren(
      el('span', { class: 'dot', 'aria-hidden': true }),
      text,
      el('span', { class: 'cut mono' }, cut),
    );
  }
  void look();
}

const names = (items) => items.map(({ projection }) => projection).join(', ');
