// What skills take and give. Change the skills, then write it again:
//   puras types ./examples/hello-world --lang ts

import type {} from "puras";

export interface GreetingCardInputs {
  /** Who the card is for. */
  name: string;
  /** Default: `"birthday"`. */
  occasion?: "birthday" | "thanks" | "welcome" | "congratulations";
  /**
   * The color of the card.
   *
   * Default: `"#7c5cff"`.
   */
  color?: string;
}

export interface GreetingCardResult {
  /** A URL of an image. */
  card: string;
  message: string;
}

/**
 * `hello-world/greeting-card`
 *
 * Draw a greeting card with someone's name on it, for an occasion and in a color.
 */
export interface GreetingCard {
  inputs: GreetingCardInputs;
  result: GreetingCardResult;
}

declare module "puras" {
  interface Skills {
    "hello-world/greeting-card": GreetingCard;
  }
}
