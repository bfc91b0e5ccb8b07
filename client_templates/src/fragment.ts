/** Page fragments from the server: the only HTML that a script ever inserts, and the only place where it is made. */

interface TrustedTypes {
  createPolicy(name: string, rules: { createHTML(html: string): string }): { createHTML(html: string): string };
}

const trustedTypes = (globalThis as { trustedTypes?: TrustedTypes }).trustedTypes;
const policy = trustedTypes?.createPolicy("copage", { createHTML: (html) => html });

/** HTML that this server has sent, as elements that are not in the page yet. */
export function fragment(html: string): DocumentFragment {
  const template = document.createElement("template");
  template.innerHTML = policy ? policy.createHTML(html) : html;
  return template.content;
}
