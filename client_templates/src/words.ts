/** The sentences that the script needs. They come with the page, from the catalogue, in the person's language. */

export const SESSION_WORDS = [
  "connection.connecting",
  "connection.live",
  "connection.not_connected",
  "connection.ended",
  "connection.left",
  "connection.removed",
  "connection.other_version",
  "person.you",
  "person.here",
  "person.away",
  "person.elsewhere",
  "person.alone",
  "person.left",
  "person.came_in",
  "person.not_them",
  "person.not_them_about",
  "person.take_out",
  "person.taking_out",
  "person.taken_out",
  "page.turned_by",
  "page.waiting",
  "page.not_loaded",
  "move.dropped",
  "leave.done",
  "leave.not_told",
  "end.sending",
  "desk.one_waits",
  "desk.some_wait",
  "notes.saved",
  "notes.saving",
  "notes.kept_here",
  "notes.not_kept",
  "notes.left",
  "notes.full",
  "notes.writing_here",
  "notes.writing_in",
  "notes.alone",
  "notes.gone",
  "notes.away",
  "notes.away_long",
  "notes.passage",
  "notes.passage_deleted",
  "notes.bring_back",
  "notes.remove_for_good",
  "notes.remove_about",
  "notes.remove_yes",
  "notes.lost",
  "notes.lost_at_end",
  "notes.copy",
  "notes.copied",
  "notes.put_in_again",
  "notes.delete",
  "notes.delete_and_go_on",
  "refused.not_here",
  "refused.not_allowed",
  "refused.no_session",
  "refused.session_ended",
  "refused.left",
  "refused.not_your_window",
  "refused.came_to_nothing",
  "refused.unknown_page",
  "refused.unknown_person",
  "refused.alone",
  "refused.notes_full",
  "refused.already_back",
  "refused.not_your_words",
  "refused.taken_over",
  "refused.gap",
  "refused.malformed",
  "refused.too_fast",
  "refused.busy",
  "refused.other",
] as const;

export const WAITING_WORDS = ["waiting.no_answer"] as const;

export const CHECK_WORDS = [
  "check.running",
  "check.secure.yes",
  "check.secure.no",
  "check.storage.yes",
  "check.storage.no",
  "check.answer.yes",
  "check.answer.no",
  "check.socket.yes",
  "check.socket.no",
  "check.result.good",
  "check.result.slower",
  "check.result.not",
] as const;

export type Key = (typeof SESSION_WORDS)[number] | (typeof WAITING_WORDS)[number] | (typeof CHECK_WORDS)[number];
export type Say = (key: Key, values?: Readonly<Record<string, string>>) => string;

/** Sentences by key; `{name}` in a sentence is filled in. */
export function sayFrom(words: Readonly<Record<string, string>>): Say {
  return (key, values = {}) => (words[key] ?? "").replace(/\{(\w+)\}/g, (_, name: string) => values[name] ?? "");
}

/** What a person is told when the server would not do something. */
export function refusalKey(code: string): Key {
  return SESSION_WORDS.find((key) => key === `refused.${code}`) ?? "refused.other";
}
