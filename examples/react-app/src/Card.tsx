import type { GreetingCardResult } from "./skills";

/** The card: a picture with a signed URL, and its words. */
export function Card({ card, message }: GreetingCardResult) {
  return (
    <figure>
      <img src={card} alt={message} />
      <figcaption>{message}</figcaption>
    </figure>
  );
}
