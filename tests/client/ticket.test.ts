import assert from "node:assert/strict";
import { test } from "node:test";

import { isRefused } from "../../client_templates/src/ticket.js";

/** What the page's own address answers, and whether that ends the session on this device. */
async function ends(answer: Response | Error): Promise<boolean> {
  const real = globalThis.fetch;
  globalThis.fetch = async () => {
    if (answer instanceof Error) throw answer;
    return answer;
  };
  try {
    return await isRefused("/s/ticket/page/home");
  } finally {
    globalThis.fetch = real;
  }
}

for (const status of [401, 403, 404, 410]) {
  test(`${status}: the ticket is no good any more`, async () => {
    assert.equal(await ends(new Response("", { status })), true);
  });
}

for (const status of [200, 408, 429, 500, 502, 503, 504]) {
  test(`${status}: the ticket is as good as before, try on`, async () => {
    assert.equal(await ends(new Response("", { status })), false);
  });
}

test("no answer is not a no", async () => {
  assert.equal(await ends(new TypeError("no network")), false);
});
