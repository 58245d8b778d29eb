// The two things that every part of the page does with the document.

export const element = (id) => document.getElementById(id);

/** Touch the DOM only where something changed, so that screen readers speak changes only. */
export function write(target, text) {
  if (target.textContent !== text) target.textContent = text;
}
