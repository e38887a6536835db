/** The page of the tests, in the environment of React Native. */
import "./environment.mjs";
import "../page/main.mjs";
