import { useRun } from "puras/react";
import type { FormEvent } from "react";
import { Card } from "./Card";
import { Progress } from "./Progress";
import type { GreetingCardInputs } from "./skills";

const OCCASIONS = ["birthday", "thanks", "welcome", "congratulations"] as const;

export function App() {
  const { run, cancel, status, events, result, error } = useRun("hello-world/greeting-card");
  const isBusy = ["pending", "queued", "running"].includes(status);

  function draw(submit: FormEvent<HTMLFormElement>) {
    submit.preventDefault();
    const fields = Object.fromEntries(new FormData(submit.currentTarget));
    run(fields as unknown as GreetingCardInputs); // the form's fields have the inputs' names
  }

  return (
    <main>
      <h1>Greeting cards</h1>
      <form onSubmit={draw}>
        <input name="name" placeholder="Who is it for?" aria-label="Name" maxLength={40} required />
        <select name="occasion" aria-label="Occasion">
          {OCCASIONS.map((occasion) => (
            <option key={occasion}>{occasion}</option>
          ))}
        </select>
        <input name="color" type="color" defaultValue="#7c5cff" aria-label="Color" />
        {isBusy ? (
          <button type="button" onClick={cancel}>
            Cancel
          </button>
        ) : (
          <button>Draw</button>
        )}
      </form>
      {status !== "idle" && <Progress status={status} events={events} />}
      {error && <p role="alert">{error.message}</p>}
      {result && <Card {...result} />}
    </main>
  );
}
