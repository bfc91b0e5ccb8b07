/** Times of day are said in a language, and in the clinic's zone. */

import assert from "node:assert/strict";
import { test } from "node:test";

import { said } from "../../client_templates/src/times.js";

test("one moment is another time of day in another zone, whatever the device thinks", () => {
  const at = "2026-11-25T23:30:00+00:00";
  assert.match(said(at, "en-GB", "UTC"), /25 Nov 2026.*23:30/);
  assert.match(said(at, "en-GB", "Europe/Vienna"), /26 Nov 2026.*00:30/);
  assert.match(said(at, "de", "UTC"), /25\.11\.2026.*23:30/);
});
