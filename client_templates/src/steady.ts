/**
 * Of how somebody is here, at most one sentence comes up in ten seconds: a bad line would otherwise make the list flicker,
 * and screen readers talk. That they are here again is shown at once, and that they left, too.
 */

export const AT_MOST_EVERY = 10_000;

export type PersonState = "" | "here" | "alone" | "elsewhere" | "away" | "left";

export class Steady {
  /** Something is not shown yet: ask again in a while. */
  waits = false;
  private readonly people = new Map<string, { readonly state: PersonState; readonly at: number }>();

  /** What to show of somebody, who is here like this `now` (in milliseconds). */
  shown(person: string, state: PersonState, now: number): PersonState {
    const before = this.people.get(person);
    const calm = !before || state === before.state || state === "here" || state === "left" || before.state === "";
    if (!calm && now - before.at < AT_MOST_EVERY) {
      this.waits = true;
      return before.state;
    }
    const comesUp = before && state !== before.state && state !== "here";
    this.people.set(person, { state, at: comesUp ? now : (before?.at ?? -Infinity) });
    return state;
  }
}
