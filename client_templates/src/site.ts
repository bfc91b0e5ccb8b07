/** Pages that need no sign-in and are no session: times, the closing page, and the two windows of practice. */

import { find, showWhatNeedsScript } from "./boot.js";
import { makeCopyButtonsWork } from "./copy.js";
import { mindTheCurtain } from "./curtain.js";
import { forgetWordsOf } from "./keeper.js";
import { sendFormsOnce } from "./once.js";
import { noteEveryLeaving, noteGoingOn } from "./recent.js";
import { sayTimes } from "./times.js";

showWhatNeedsScript();
sendFormsOnce();
makeCopyButtonsWork();
sayTimes();
noteEveryLeaving();
mindTheCurtain(() => find("all")?.focus());
// The session's key went with it: what this device had kept of words that never came can be read by nobody.
const notSent = find("not-sent");
const ticket = /^\/s\/([\w-]+)$/.exec(location.pathname)?.[1];
if (notSent && ticket) void forgetWordsOf(ticket).then((count) => (notSent.hidden = !count));
find("print")?.addEventListener("click", () => window.print());
for (const link of document.querySelectorAll<HTMLElement>("a[target]")) link.addEventListener("click", noteGoingOn);
