/**
 * An element with its attributes and children. A child is a node, a text, or an array of those; null and false are left
 * out. Texts become text nodes: nothing here reads HTML. A function is an event listener (`onclick`).
 */
export function el(tag, attributes = {}, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (value === undefined || value === null || value === false) continue;
    if (typeof value === 'function') element.addEventListener(name.slice(2), value);
    else element.setAttribute(name, value === true ? '' : String(value));
  }
  append(element, children);
  return element;
}

function append(element, children) {
  for (const child of children) {
    if (Array.isArray(child)) append(element, child);
    else if (child !== null && child !== undefined && child !== false) element.append(child);
  }
}

/** A link to another place of this page. */
export const link = (href, ...children) => el('a', { href }, ...children);

/** A link to the world outside, only where the address is one of the web: data may hold any text. */
export const outside = (url, ...children) =>
  /^https?:\/\//i.test(url)
    ? el('a', { href: url, rel: 'noopener noreferrer', target: '_blank' }, ...children)
    : url;

/** A button that copies a text and says so. */
export function copyButton(text, label = 'Copy') {
  const button = el('button', { type: 'button', class: 'quiet', 'aria-label': `${label}: ${text}` }, label);
  button.addEventListener('click', async () => {
    try {
      await navigator.clipboard.writeText(text);
      button.textContent = 'Copied';
    } catch {
      // Without leave to write to the clipboard the text stands beside the button to be copied by hand.
      button.textContent = 'Not allowed';
    }
    setTimeout(() => {
      button.textContent = label;
    }, 1_500);
  });
  return button;
}

/** A command for a terminal, to be copied. */
export const command = (text) => el('div', { class: 'command' }, el('code', {}, text), copyButton(text));
