/** The few things that the page needs of the DOM. */

/** The element with this id; the page's HTML and scripts are built together. */
export function element<T extends HTMLElement>(id: string, type: new () => T): T {
  const found = document.getElementById(id);
  if (!(found instanceof type)) throw new Error(`index.html lacks ${type.name} #${id}`);
  return found;
}

/** A new element with a class and content. */
export function make(tag: string, className: string, ...content: (Node | string)[]): HTMLElement {
  const made = document.createElement(tag);
  made.className = className;
  made.append(...content);
  return made;
}

/** Changes text only when it differs, so that a reader's selection and focus survive. */
export function setText(node: HTMLElement, text: string): void {
  if (node.textContent !== text) node.textContent = text;
}
