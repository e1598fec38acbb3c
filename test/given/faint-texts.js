// Runs in a page: texts whose contrast to what is behind them is below 4.5 (WCAG 2.2, 1.4.3).
(() => {
  const channels = (color) => color.match(/[\d.]+/g).map(Number);
  const light = ([r, g, b]) =>
    [r, g, b]
      .map((part) => part / 255)
      .map((part) => (part <= 0.04045 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4))
      .reduce((sum, part, i) => sum + part * [0.2126, 0.7152, 0.0722][i], 0);
  const behind = (element) => {
    if (element === null) return [255, 255, 255];
    const found = channels(getComputedStyle(element).backgroundColor);
    return found[3] === 0 ? behind(element.parentElement) : found;
  };
  return [...document.querySelectorAll('body *')]
    .filter((element) =>
      [...element.childNodes].some((node) => node.nodeType === 3 && node.textContent.trim() !== ''),
    )
    .map((element) => {
      const lights = [light(channels(getComputedStyle(element).color)), light(behind(element))];
      const ratio = (Math.max(...lights) + 0.05) / (Math.min(...lights) + 0.05);
      return { text: element.textContent.slice(0, 40), ratio };
    })
    .filter(({ ratio }) => ratio < 4.5);
})();
