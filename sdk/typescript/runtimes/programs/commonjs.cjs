/** The tour, of the package that `require` gives. */
const sdk = require("puras");

import("./tour.mjs")
  .then(({ tour }) => tour(sdk))
  .then((seen) => console.log(JSON.stringify(seen)));
