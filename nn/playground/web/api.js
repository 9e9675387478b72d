// Commands to the server. The token came behind the # of the address, which browsers never send.

const KEY = "playground";
const given = location.hash.slice(1);
if (given) {
  sessionStorage.setItem(KEY, given);
  history.replaceState(null, "", "/"); // so that no picture of the page shows it
}

let last = Promise.resolve(); // the answer to the command before
let waiting = 0;

/**
 * The result of a command; throws an Error that says what was wrong. A command waits for the one
 * before it, so that both commands and answers keep their order.
 */
export function ask(command, values = {}) {
  document.body.dataset.waiting = ++waiting;
  const answer = last.then(() => send(command, values));
  last = answer.catch(() => null).then(() => (document.body.dataset.waiting = --waiting));
  return answer;
}

async function send(command, values) {
  let response;
  try {
    response = await fetch(`/api/${command}`, {
      method: "POST",
      headers: {
        "Content-Type": "application/json",
        "X-Playground-Token": sessionStorage.getItem(KEY) ?? "",
      },
      body: JSON.stringify(values),
    });
  } catch {
    throw new Error("The playground was closed; start it again with python -m nn.playground.");
  }
  const result = await response.json();
  if (!response.ok) throw new Error(result.error);
  return result;
}
