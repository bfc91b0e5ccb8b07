/** Times of day, which the server writes in the clinic's zone, in the words of the page's language. */

const HOUR = { timeStyle: "short" } as const;
const DAY_AND_HOUR = { dateStyle: "medium", timeStyle: "short" } as const;

export function sayTimes(): void {
  for (const time of document.querySelectorAll<HTMLTimeElement>('time[data-copage="time"]')) {
    // Who waits has come a little while ago: the day is known.
    const how = time.closest("[data-arrival]") ? HOUR : DAY_AND_HOUR;
    time.textContent = said(time.dateTime, document.documentElement.lang, time.dataset["zone"] ?? "UTC", how);
  }
}

/** `at` as ISO 8601, in a zone by its IANA name. */
export function said(at: string, language: string, zone: string, how: Intl.DateTimeFormatOptions = DAY_AND_HOUR): string {
  return new Intl.DateTimeFormat(language, { ...how, timeZone: zone }).format(new Date(at));
}
