// Runs in a page: fields and buttons that a screen reader could not name.
[...document.querySelectorAll('input, select, button')]
  .filter(
    (field) =>
      !(field.labels?.length > 0) && !field.getAttribute('aria-label') && field.textContent.trim() === '',
  )
  .map((field) => field.outerHTML);
