/** Where somebody who signed in comes to. */
export const HOME = "/skills";
