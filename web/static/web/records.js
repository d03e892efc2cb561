// Events that are no messages, in words; as transcript.py says them.

/** The words for an event, or "" for one that needs none. `name` tells what a person is called. */
export function describe({ event, actor, data }, name) {
  const sentence = (words) => words.replace(/^you /, "You ");
  switch (event) {
    case "room.opened":
      return sentence(`${name(actor)} opened the room`);
    case "room.changed":
      return sentence(`${name(actor)} ${change(data)}`);
    case "member.banned":
      return sentence(`${name(actor)} banned ${name(data.person)}`);
    case "member.unbanned":
      return sentence(`${name(actor)} let ${name(data.person)} in again`);
    default:
      return "";
  }
}

/** The events that `describe` has words for, as REST's `types` wants them. */
export const DESCRIBED = ["room.opened", "room.changed", "member.banned", "member.unbanned"];

function change(data) {
  if (data.archived === true) return "archived the room";
  if (data.archived === false) return "opened the archived room again";
  if (data.title !== undefined) return `named the room “${data.title}”`;
  if (data.topic !== undefined) return data.topic ? `set the topic: ${data.topic}` : "removed the topic";
  if (data.retain_days === 0) return "keeps what is said for ever";
  if (data.retain_days !== undefined) return `keeps what is said for ${data.retain_days} ${data.retain_days === 1 ? "day" : "days"}`;
  if (data.slow_mode_s === 0) return "ended slow mode";
  if (data.slow_mode_s !== undefined) return `set slow mode: a message every ${data.slow_mode_s} s`;
  return "changed the room";
}

/** What somebody is called of whom nothing but the id is known. */
export function defaultHandle(person) {
  return `Guest-${person.slice(person.indexOf(":") + 1).slice(0, 4)}`;
}

/** Who removed a line, in words; nobody knows by whom without `actor`. */
export function describeRemoval(actor, author, name) {
  if (!actor) return "This line was removed.";
  const who = name(actor);
  return `This line was removed by ${who !== "you" && actor === author ? "its author" : who}.`;
}
