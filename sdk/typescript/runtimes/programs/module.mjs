/** The tour, for runtimes that have modules and an environment. */
import * as sdk from "puras";
import { tour } from "./tour.mjs";

console.log(JSON.stringify(await tour(sdk)));
