/** Runs before a page of a session is drawn: see `curtain.ts`. */

import { drawUnlessRecent } from "./curtain.js";

drawUnlessRecent();
