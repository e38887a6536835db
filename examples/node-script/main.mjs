// Draws a greeting card for the name on the command line, and tells how far it is.
import { JobError, Puras, PurasAPIError } from "puras";

const puras = new Puras(); // PURAS_API_KEY and PURAS_API_BASE, from the environment
const [name = "Ada"] = process.argv.slice(2);
const onEvent = ({ id, type, payload }) => console.log(id, type, payload);

try {
  const card = await puras.run("hello-world/greeting-card", { name }, { onEvent });
  console.log(card.message, card.card);
} catch (error) {
  process.exitCode = 1;
  if (error instanceof JobError) console.error(`It ran, and ${error.job.status}:`, error.job.error);
  else if (error instanceof PurasAPIError) console.error("It was refused:", error.message);
  else throw error;
}
