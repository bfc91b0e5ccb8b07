/** Every page of those who are signed in: copying, times, going on to a session, and the warning before an idle sign-in ends. */

import { showWhatNeedsScript } from "./boot.js";
import { makeCopyButtonsWork } from "./copy.js";
import { warnWhenIdle } from "./idle.js";
import { sendFormsOnce } from "./once.js";
import { noteEveryLeaving } from "./recent.js";
import { sayTimes } from "./times.js";

showWhatNeedsScript();
sendFormsOnce();
makeCopyButtonsWork();
sayTimes();
noteEveryLeaving();
warnWhenIdle();
